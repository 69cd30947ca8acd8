// Connections whose peer is gone or never sends anything, over real sockets. Their timeouts are much longer than the
// tests wait.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import {
  RawClient, frame, makeCertificates, startGateway, tcpServer, temporaryFolder, tlsBlock, within,
} from './support.mjs';

const upgrade =
  'GET /raw HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

// A gateway in front of one TCP server, and a function that opens a session through it: the client's and the server's
// end.
async function withServer(t) {
  const accepted = [];
  const server = await tcpServer(t, (socket) => accepted.shift()?.(socket));
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
shutdown: { timeout: 20s }
workers: 1
backends: { b: { servers: [ "tcp://127.0.0.1:${server}" ] } }
routes: [ { path: /raw, backend: b, limits: { close_timeout: 10m, ping_interval: 0s } } ]
`);
  const open = async () => {
    const socket = new Promise((resolve) => accepted.push(resolve));
    const client = await RawClient.connect(gateway.ports[0]);
    client.send(upgrade);
    assert.match(await client.head(), /^HTTP\/1.1 101 /);
    return { client, server: await within(20000, 'the server to be connected to', socket) };
  };
  return { gateway, open };
}

const sockets = (pid) => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
  } catch {
    return false; // closed in the meantime
  }
}).length;

const until = (done, what) => within(20000, what, (async () => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
})());

test('a TLS handshake that never ends is limited by head_timeout', async (t) => {
  const folder = temporaryFolder(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", ${tlsBlock(makeCertificates(folder))} } ]
http: { head_timeout: 1s, idle_timeout: 10m }
routes: [ { path: /echo, plugin: echo } ]
`, { folder });
  const silent = await RawClient.connect(gateway.ports[0]);
  const begun = await RawClient.connect(gateway.ports[0]);
  begun.send('\x16\x03\x01\x02');
  await Promise.all([silent.end(), begun.end()]);
  await gateway.logged((e) => e.event === 'connection failed' &&
    e.why === 'the TLS handshake took longer than http.head_timeout');
});

test('the descriptor of a client that is gone is closed while its server may still finish', async (t) => {
  const { gateway, open } = await withServer(t);
  const before = sockets(gateway.pid);
  const { client, server } = await open();
  assert.equal(sockets(gateway.pid), before + 2);
  server.resume();
  client.socket.resetAndDestroy();
  await within(20000, 'the end at the server', once(server, 'end'));
  await until(() => sockets(gateway.pid) === before + 1, 'the descriptor of the client to be closed');
  server.end();
  await gateway.logged((e) => e.event === 'session close');
  await until(() => sockets(gateway.pid) === before, 'both descriptors to be closed');
});

test('a server that floods a client that is gone is disconnected', async (t) => {
  const { gateway, open } = await withServer(t);
  const { client, server } = await open();
  let received = '';
  server.on('data', (data) => (received += data.toString('latin1')));
  const flood = Buffer.alloc(64 * 1024, 'f');
  const write = () => { while (server.writable && server.write(flood)); };
  server.on('drain', write);
  const closed = once(server, 'close').catch(() => {});
  write();
  client.send(frame(2, 'before'));
  await until(() => received === 'before', 'what the client sends');
  client.socket.resetAndDestroy();
  await within(20000, 'the server to be disconnected', closed);
  await gateway.logged((e) => e.event === 'session close');
});

test('a gateway that is stopping logs what it waits for', async (t) => {
  const { gateway, open } = await withServer(t);
  const { client, server } = await open();
  server.on('end', () => server.end());
  server.resume();
  gateway.child.kill('SIGTERM');
  const report = await gateway.logged((e) => e.event === 'still stopping');
  assert.equal(report.sessions, 1);
  assert.equal(report.sessions_by_route, '/raw: 1');
  assert.equal(report.connections, 1);
  client.close();
  const code = await within(30000, 'upgate to stop', gateway.child.exited);
  assert.equal(code, 0);
});
