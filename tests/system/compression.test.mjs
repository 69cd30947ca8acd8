// permessage-deflate between the gateway and real clients: npm's ws, Python's websockets, Chromium.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import zlib from 'node:zlib';
import WebSocket from 'ws';
import { launchChromium } from './chromium.mjs';
import { echoServer, httpGet, peakBytes, sanitized, start, startGateway, within } from './support.mjs';

const MiB = 1024 * 1024;

const opened = (socket) =>
  within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));

async function gatewayWithEchoes(t) {
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes:
  - { path: /stats, plugin: stats }
  - { path: /echo, plugin: echo, compression: { threshold: 0 }, limits: { message_size: 8MiB } }
  - { path: /tcp, backend: echo, compression: { threshold: 0 }, limits: { message_size: 8MiB } }
  - path: /takeover
    plugin: echo
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    limits: { message_size: 8MiB }
`);
  return { gateway, front: `ws://127.0.0.1:${gateway.ports[0]}` };
}

const contents = () => [Buffer.alloc(0), Buffer.from('Hello'), Buffer.from('Hello'),
  Buffer.alloc(100000, 'compressible '),
  crypto.randomBytes(3 * MiB)];

// Sends a message and waits until as many bytes are back; a TCP server does not preserve frames.
function echoed(socket, message) {
  return within(20000, 'the echo', new Promise((resolve, reject) => {
    const got = [];
    const onMessage = (data) => {
      got.push(data);
      const all = Buffer.concat(got);
      if (all.length < message.length) return;
      socket.off('message', onMessage);
      resolve(all);
    };
    socket.on('message', onMessage).once('close', (code) => reject(new Error(`closed with ${code}`)));
    socket.send(message);
  }));
}

test("npm's ws, with every set of parameters", async (t) => {
  const { gateway, front } = await gatewayWithEchoes(t);
  const offers = [
    {},
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { clientMaxWindowBits: 12, serverNoContextTakeover: true },
  ];
  for (const path of ['/echo', '/tcp', '/takeover']) {
    for (const offer of offers) {
      const socket = new WebSocket(front + path, { perMessageDeflate: { threshold: 0, ...offer } });
      await opened(socket);
      assert.equal(socket.extensions, 'permessage-deflate');
      for (const message of contents()) {
        if (path === '/tcp' && message.length === 0) continue;
        const data = await echoed(socket, message);
        assert.ok(data.equals(message), `${path} ${JSON.stringify(offer)}: ${message.length} bytes`);
      }
      socket.close(3333, 'enough');
      assert.equal((await within(20000, 'close', once(socket, 'close')))[0], 3333);
    }
  }
  const stats = await gateway.stats();
  assert.equal(stats.totals.sessions_compressed, 12);
  assert.ok(stats.totals.in.compressed_messages >= 12 * 4);
  assert.ok(stats.totals.out.compressed_messages >= 12);
  assert.ok(stats.totals.in.inflated_bytes > stats.totals.in.compressed_bytes);
  assert.match((await httpGet(gateway.admin, '/metrics')).body,
    /upgate_compressed_messages_total\{route="\/echo",direction="in"\} [1-9]/);
});

test("Python's websockets, with fragments and context takeover", async (t) => {
  const { front } = await gatewayWithEchoes(t);
  const client = start(t, '/usr/bin/python3', ['-c', `
import asyncio, os, sys, websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate
async def play(url, **offer):
    async with websockets.connect(url, extensions=[Deflate(compress_settings={"memLevel": 4}, **offer)], max_size=None) as ws:
        assert ws.extensions, "no extension agreed on"
        for message in ["", "Hello", "Hello", "gr\\u00fc\\u00dfe " * 5000, os.urandom(100000), b"x" * 2000000]:
            await ws.send(message)
            got = await ws.recv()
            assert got == message, (url, offer, len(message), len(got))
        await ws.send(["in ", "several ", "fragments"])
        assert await ws.recv() == "in several fragments"
async def main():
    for path in ["/echo", "/takeover"]:
        for offer in [{}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
                      {"server_max_window_bits": 9, "client_max_window_bits": 9}, {"client_max_window_bits": True}]:
            await play(sys.argv[1] + path, **offer)
asyncio.run(main())
print("fine")
`, front]);
  assert.equal(await within(60000, 'the client', client.exited), 0, client.errors);
  assert.equal(client.output, 'fine\n');
});

test('Chromium', { timeout: 120000 }, async (t) => {
  const { gateway, front } = await gatewayWithEchoes(t);
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${gateway.ports[0]}/stats`);
  for (const path of ['/echo', '/tcp', '/takeover']) {
    const result = await page.evaluate(([url, size]) => new Promise((resolve) => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      const sent = new Uint8Array(size).map((_, i) => (i * 7) & 63);
      const got = [];
      socket.onopen = () => socket.send(sent);
      socket.onmessage = (event) => {
        got.push(...new Uint8Array(event.data));
        if (got.length === size) socket.close(1000);
      };
      socket.onclose = (event) => resolve({
        code: event.code, extensions: socket.extensions,
        same: got.length === size && got.every((byte, i) => byte === sent[i]),
      });
    }), [front + path, 20000]);
    assert.equal(result.code, 1000);
    assert.ok(result.same, path);
    assert.match(result.extensions, /^permessage-deflate/);
  }
  const stats = await gateway.stats();
  assert.ok(stats.totals.in.compressed_messages >= 3);
  assert.ok(stats.totals.out.compressed_messages >= 3);
});

test('a bomb of 1 GiB is closed with 1009 and takes no more memory than the limit', async (t) => {
  const { gateway, front } = await gatewayWithEchoes(t);
  const deflate = zlib.createDeflateRaw({ level: 9 });
  const pieces = [];
  deflate.on('data', (data) => pieces.push(data));
  const zeros = Buffer.alloc(16 * MiB);
  for (let i = 0; i < 64; ++i) if (!deflate.write(zeros)) await once(deflate, 'drain');
  await new Promise((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, resolve));
  const bomb = Buffer.concat(pieces).subarray(0, -4);
  assert.ok(bomb.length < 2 * MiB);
  for (const path of ['/echo', '/tcp']) {
    const socket = new WebSocket(front + path, { perMessageDeflate: true });
    await opened(socket);
    const before = peakBytes(gateway.pid);
    // A hand-written frame with RSV1.
    const header = Buffer.alloc(14);
    header.writeUInt8(0xc2, 0);
    header.writeUInt8(0xff, 1);
    header.writeBigUInt64BE(BigInt(bomb.length), 2);
    socket._socket.write(header);
    socket._socket.write(bomb);
    const [code] = await within(30000, 'close', once(socket, 'close'));
    assert.equal(code, 1009);
    if (!sanitized) assert.ok(peakBytes(gateway.pid) - before < 24 * MiB,
      `${(peakBytes(gateway.pid) - before) / MiB} MiB more`);
  }
});
