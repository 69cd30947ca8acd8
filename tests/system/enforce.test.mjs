// A route with `enforce`, between npm's ws on both sides, with and without compression on each side.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';
import { frame, listen, RawClient, startGateway, within } from './support.mjs';

const opened = (socket) =>
  within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));

async function serve(t, perMessageDeflate) {
  const server = http.createServer();
  const port = await listen(t, server);
  const sockets = new WebSocketServer({ server, perMessageDeflate });
  const closes = [];
  let changed = () => {};
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      if (!isBinary && data.toString() === 'go away') return socket.close(4001, 'as you wish');
      return socket.send(data, { binary: isBinary });
    });
    socket.on('close', (code, reason) => { closes.push([code, reason.toString()]); changed(); });
    socket.on('error', () => {});
  });
  t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
  // The first `count` closes that the server saw.
  const closed = (count) => within(20000, `${count} closes at the server`, new Promise((resolve) => {
    changed = () => { if (closes.length >= count) resolve(closes.slice(0, count)); };
    changed();
  }));
  return { port, closed, extensions: () => [...sockets.clients].map((socket) => socket.extensions) };
}

test('messages and closes pass, with or without compression on either side', async (t) => {
  const deflating = await serve(t, { threshold: 0 });
  const plain = await serve(t, false);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
backends:
  deflating: { servers: [ "ws://127.0.0.1:${deflating.port}" ] }
  plain: { servers: [ "http://127.0.0.1:${plain.port}" ] }
routes:
  - { path: /client, backend: plain, enforce: true, compression: { threshold: 0 }, limits: { message_size: 4MiB } }
  - { path: /server, backend: deflating, enforce: true, server_compression: { threshold: 0 }, limits: { message_size: 4MiB } }
  - { path: /neither, backend: deflating, enforce: true, limits: { message_size: 4MiB } }
  - path: /both
    backend: deflating
    enforce: true
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    server_compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    limits: { message_size: 4MiB }
  - { path: /declined, backend: plain, enforce: true, server_compression: true, limits: { message_size: 4MiB } }
`);
  const cases = [
    ['/client', 'permessage-deflate', plain, ''], ['/server', '', deflating, 'permessage-deflate'],
    ['/neither', '', deflating, ''],
    ['/both', 'permessage-deflate', deflating, 'permessage-deflate'], ['/declined', '', plain, ''],
  ];
  const closes = new Map([[plain, 0], [deflating, 0]]);
  for (const [path, extensions, server, serverExtensions] of cases) {
    const connect = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}${path}`,
        { perMessageDeflate: { threshold: 0 } });
      await opened(socket);
      return socket;
    };
    const socket = await connect();
    assert.equal(socket.extensions, extensions, path);
    assert.deepEqual(server.extensions(), [serverExtensions], path);
    for (const message of ['', 'Grüße', 'Grüße', Buffer.alloc(100000, 'compressible '), crypto.randomBytes(3000000)]) {
      socket.send(message);
      const [data, isBinary] = await within(20000, 'the echo', once(socket, 'message'));
      assert.equal(isBinary, typeof message !== 'string');
      assert.ok(data.equals(Buffer.from(message)), `${path}: ${message.length} bytes`);
    }
    socket.close(3333, 'enough');
    assert.equal((await within(20000, 'close', once(socket, 'close')))[0], 3333);
    const closed = await connect();
    closed.send('go away');
    const [code, reason] = await within(20000, 'close', once(closed, 'close'));
    assert.deepEqual([code, reason.toString()], [4001, 'as you wish']);
    await gateway.logged((e) => e.event === 'session close' && e.route === path && e.code === 4001 &&
      e.closed_by === 'server');
    closes.set(server, closes.get(server) + 2);
    assert.deepEqual((await server.closed(closes.get(server))).slice(-2), [[3333, 'enough'], [4001, 'as you wish']],
      path);
  }
  const stats = await gateway.stats();
  assert.equal(stats.totals.sessions_open, 0);
  assert.equal(stats.totals.in.text_messages, 5 * 4);
});

test('protocol violations of a client do not reach the server', async (t) => {
  const server = await serve(t, false);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { live: { servers: [ "ws://127.0.0.1:${server.port}" ] } }
routes: [ { path: /, backend: live, enforce: true } ]
`);
  const client = await RawClient.connect(gateway.ports[0]);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  assert.match(await client.head(), /^HTTP\/1.1 101 /);
  client.send(frame(1, 'fine'));
  await client.until((c) => c.received === '\x81\x04fine', 'the echo');
  client.send(frame(1, '\xff'));
  const close = (await client.end()).slice(6);
  assert.equal(close.charCodeAt(0), 0x88);
  assert.equal(close.charCodeAt(2) * 256 + close.charCodeAt(3), 1007);
  client.close();
  assert.deepEqual(await server.closed(1), [[1001, 'the client is gone']]);
});
