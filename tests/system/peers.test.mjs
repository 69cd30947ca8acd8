// Interoperability: third-party WebSocket implementations as clients of the gateway and as servers behind it.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import {
  echoServer, listen, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, unusedPort, within,
} from './support.mjs';

const opened = (socket) =>
  within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
const closed = (socket) => within(20000, 'close', once(socket, 'close'));
// Waits until the output of `process` matches.
const wrote = (process, pattern) => within(30000, `${pattern}`, new Promise((resolve) => {
  const look = () => { if (pattern.test(process.output + process.errors)) resolve(); };
  process.stdout.on('data', look);
  process.stderr.on('data', look);
  look();
}));

// A gateway with an echo of each kind: a built-in service, a TCP server, and a WebSocket server in Python.
async function gatewayWithEchoes(t) {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const tcp = await echoServer(t);
  const python = start(t, '/usr/bin/python3', ['-u', '-c', `
import asyncio, websockets
async def echo(socket):
    async for message in socket:
        await socket.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=2**24) as server:
        print("port", server.sockets[0].getsockname()[1])
        await asyncio.Future()
asyncio.run(main())
`]);
  await wrote(python, /port \d+\n/);
  const gateway = await startGateway(t, `
listeners:
  - address: 127.0.0.1:0
  - { address: "127.0.0.1:0", ${tlsBlock(certificates)} }
backends:
  tcp: { servers: [ "tcp://127.0.0.1:${tcp}" ] }
  python: { servers: [ "ws://127.0.0.1:${/port (\d+)/.exec(python.output)[1]}" ] }
routes:
  - { path: /service, plugin: echo, limits: { message_size: 8MiB } }
  - { path: /compressed, plugin: echo, compression: true, limits: { message_size: 8MiB } }
  - { path: /tcp, backend: tcp, limits: { message_size: 8MiB } }
  - { path: /python, backend: python, limits: { message_size: 8MiB } }
`, { folder });
  return { gateway, certificates };
}

const paths = ['/service', '/compressed', '/tcp', '/python'];

test("Python's websockets: every size, fragments, pings and close codes, plain and TLS", { timeout: 120000 },
  async (t) => {
  const { gateway, certificates } = await gatewayWithEchoes(t);
  const client = start(t, '/usr/bin/python3', ['-c', `
import asyncio, os, ssl, websockets
context = ssl.create_default_context(cafile="${certificates.caFile}")

async def echoed(socket, message, whole):
    await socket.send(message)
    expected = message if isinstance(message, (str, bytes)) else type(message[0])().join(message)
    got = await socket.recv()
    if whole:
        assert got == expected, (type(got), len(got))
        return
    expected = expected.encode() if isinstance(expected, str) else expected
    while len(got) < len(expected):
        got += await socket.recv()
    assert got == expected, len(got)

async def play(url, **options):
    whole = not url.endswith("/tcp")
    async with websockets.connect(url, max_size=2**24, **options) as socket:
        for size in (1, 125, 126, 127, 128, 65535, 65536, 1 << 20, 5 << 20):
            await echoed(socket, "\\u03ba" * (size // 2) + "x" * (size % 2), whole)
            await echoed(socket, os.urandom(size), whole)
        if whole:
            await echoed(socket, "", whole)
            await echoed(socket, b"", whole)
        await echoed(socket, ["frag", "men", "", "ts \\U0001f600"], whole)
        await echoed(socket, [b"\\xff" * 1000] * 100, whole)
        for i in range(20):
            await (await socket.ping(b"ping %d" % i))
        await (await socket.ping(b"p" * 125))
    assert socket.close_code == 1000, socket.close_code
    for code in (1000, 1001, 1008, 1011, 3000, 4999):
        socket = await websockets.connect(url, **options)
        await socket.close(code, "because")
        assert socket.close_code == code, (code, socket.close_code)

async def main():
    for path in "${paths}".split(","):
        await play("ws://127.0.0.1:${gateway.ports[0]}" + path)
        await play("ws://127.0.0.1:${gateway.ports[0]}" + path, compression=None)
        await play("wss://localhost:${gateway.ports[1]}" + path, ssl=context)
asyncio.run(main())
`]);
  assert.equal(await within(100000, "Python's client", client.exited), 0, client.errors);
});

test("npm's ws: every size, fragments, pings and close codes, plain and TLS", { timeout: 120000 }, async (t) => {
  const { gateway, certificates } = await gatewayWithEchoes(t);
  for (const front of [`ws://127.0.0.1:${gateway.ports[0]}`, `wss://localhost:${gateway.ports[1]}`]) {
    for (const path of paths) {
      const socket = new WebSocket(front + path, { ca: certificates.ca });
      await opened(socket);
      let got = [];
      let wanted;
      socket.on('message', (data) => {
        got.push(data);
        if (wanted && Buffer.concat(got).length >= wanted.bytes) wanted.resolve(Buffer.concat(got));
      });
      const echoed = async (bytes, send) => {
        got = [];
        const all = within(20000, 'the echo', new Promise((resolve) => { wanted = { bytes: bytes.length, resolve }; }));
        send();
        assert.ok((await all).equals(bytes), `${front}${path}: ${bytes.length} bytes`);
      };
      for (const size of [1, 125, 126, 127, 128, 65535, 65536, 5 << 20]) {
        const bytes = crypto.randomBytes(size);
        await echoed(bytes, () => socket.send(bytes));
        const text = Buffer.from('x'.repeat(size));
        await echoed(text, () => socket.send(text, { binary: false }));
      }
      await echoed(Buffer.from('fragments'), () => {
        socket.send('frag', { fin: false });
        socket.ping('inside');
        socket.send('ments', { fin: true });
      });
      const pong = within(20000, 'the long pong', new Promise((resolve) => {
        socket.on('pong', (payload) => { if (`${payload}` === 'p'.repeat(125)) resolve(); });
      }));
      socket.ping('p'.repeat(125));
      await pong;
      socket.close(4001, 'because');
      assert.equal((await closed(socket))[0], 4001);
    }
  }
});

test("libwebsockets' test server behind the gateway", { timeout: 60000 }, async (t) => {
  const port = await unusedPort();
  const server = start(t, 'libwebsockets-test-server', [`--port=${port}`, '--interface=lo', '-d', '7']);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { lws: { servers: [ "ws://127.0.0.1:${port}" ] } }
routes: [ { path: /*, backend: lws } ]
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  const connect = async (protocol) => {
    // The server needs a moment until it listens; until then the gateway answers with an error.
    for (;;) {
      const socket = new WebSocket(url, protocol);
      const status = await within(20000, 'an answer', new Promise((resolve, reject) => {
        socket.on('open', () => resolve(101))
          .on('unexpected-response', (_, answer) => { answer.resume(); resolve(answer.statusCode); });
        socket.on('error', reject);
      }));
      if (status === 101) return socket;
      assert.equal(status, 502);
      assert.equal(server.exitCode, null, server.errors);
    }
  };
  const counter = await connect('dumb-increment-protocol');
  assert.equal(counter.protocol, 'dumb-increment-protocol');
  const numbers = await within(20000, 'five numbers', new Promise((resolve) => {
    const all = [];
    counter.on('message', (data) => { all.push(Number(data)); if (all.length === 5) resolve(all); });
  }));
  for (let i = 1; i < numbers.length; i += 1) assert.equal(numbers[i], numbers[i - 1] + 1);
  counter.close(1000);
  assert.equal((await closed(counter))[0], 1000);

  // All clients of the mirror receive what one of them draws.
  const [one, two] = [await connect('lws-mirror-protocol'), await connect('lws-mirror-protocol')];
  const drawn = (socket) => within(20000, 'the line', new Promise((resolve) => {
    socket.on('message', (data) => { if (`${data}`.includes('d #00ff00 1 2 3 4;')) resolve(); });
  }));
  const both = [drawn(one), drawn(two)];
  one.send('d #00ff00 1 2 3 4;');
  await Promise.all(both);
  for (const socket of [one, two]) {
    socket.close(1000);
    await closed(socket);
  }
});

test("libwebsockets' test client", { timeout: 60000 }, async (t) => {
  const server = http.createServer();
  const port = await listen(t, server);
  const sockets = new WebSocketServer({ server, handleProtocols: (offers) => [...offers][0] });
  t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
  const lines = within(40000, 'lines of the mirror client', new Promise((resolve, reject) => {
    let count = 0;
    sockets.on('connection', (socket) => {
      socket.on('error', reject);
      if (socket.protocol !== 'lws-mirror-protocol') return;
      socket.on('message', (data, binary) => {
        assert.equal(binary, false);
        assert.match(`${data}`, /^[cd] #[0-9A-Fa-f]{6} .*;$/);
        socket.send(`${data}`);
        count += 1;
        if (count === 50) resolve();
      });
    });
  }));
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { ws: { servers: [ "ws://127.0.0.1:${port}" ] } }
routes: [ { path: /*, backend: ws } ]
`);
  const client = start(t, 'libwebsockets-test-client', ['127.0.0.1', `--port=${gateway.ports[0]}`]);
  let over = false;
  const ended = client.exited.then((code) => over || assert.fail(`the client ended with ${code}: ${client.errors}`));
  await Promise.race([lines, ended]);
  over = true;
  client.kill('SIGKILL');
  await client.exited;
  await within(20000, 'the end of its sessions',
    Promise.all([...sockets.clients].map((socket) => socket.readyState === WebSocket.CLOSED || once(socket, 'close'))));
});
