// Limits on clients over real sockets: descriptors of the process and listeners[].connections.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import WebSocket from 'ws';
import { RawClient, echoServer, frame, httpGet, startGateway, temporaryFolder, within } from './support.mjs';

const upgrade = (port) =>
  `GET /bytes HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

// Polls for a condition without an event.
async function eventually(what, done) {
  await within(20000, what, (async () => {
    while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
  })());
}

test('descriptors remain for everything else, regardless of the number of clients', async (t) => {
  const folder = temporaryFolder(t);
  fs.mkdirSync(`${folder}/site`);
  fs.writeFileSync(`${folder}/site/a.txt`, 'a file');
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
workers: 2
backends: { echo: { servers: [ "tcp://localhost:${await echoServer(t)}" ] } }
routes:
  - { path: /bytes, backend: echo }
  - { path: /site/*, plugin: files, options: { root: ${folder}/site } }
`, { folder, files: 200 });
  const [port] = gateway.ports;
  const clients = await Promise.all(Array.from({ length: 400 }, () => RawClient.connect(port)));
  t.after(() => clients.forEach((c) => c.close()));
  const line = await gateway.logged((e) => e.event === 'clients wait', 'clients to wait');
  assert.match(line.why, /file descriptors for clients are taken; the process may have 200/);
  assert.equal((await httpGet(gateway.admin, '/healthz')).status, 200);

  // Accepted clients get a server each, looked up by name.
  for (const client of clients) client.send(upgrade(port));
  const sessions = () => clients.filter((c) => c.received.startsWith('HTTP/1.1 101'));
  await eventually('everybody inside to have a session', async () =>
    sessions().length === (await gateway.stats()).listeners[0].connections_open);
  const stats = await gateway.stats();
  assert.ok(sessions().length >= 40, `${sessions().length} sessions`);
  assert.equal(stats.process.max_fds, 200);
  assert.ok(stats.process.open_fds <= 200 - 24, `${stats.process.open_fds} are open`);
  assert.equal(stats.listeners[0].accept_pauses.system, 0);
  assert.ok(stats.listeners[0].accept_pauses.descriptors > 0);
  assert.equal(stats.routes[0].handshakes.accepted, sessions().length);
  assert.match((await httpGet(gateway.admin, '/metrics')).body,
    /upgate_listener_accept_pauses_total{[^}]*reason="descriptors"} [1-9]/);

  // Clients that leave make room for clients that wait.
  const before = sessions();
  for (const client of before) client.close();
  await eventually('others to get in', async () => sessions().length > before.length);
  const [served] = sessions().filter((c) => !before.includes(c));
  served.received = '';
  served.send(frame(2, 'hello'));
  await served.until((c) => c.received.includes('hello'), 'the echo');
  for (const client of clients) client.close();
  await eventually('everybody to have left', async () => (await gateway.stats()).listeners[0].connections_open === 0);
  const file = await httpGet(port, '/site/a.txt');
  assert.equal(file.body, 'a file');
});

test('a listener accepts as many clients as configured, including sessions', async (t) => {
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", connections: 2 } ]
admin: { address: "127.0.0.1:0" }
workers: 2
routes: [ { path: /, plugin: echo } ]
`);
  const [port] = gateway.ports;
  const sessions = [0, 1].map(() => new WebSocket(`ws://127.0.0.1:${port}/`));
  await Promise.all(sessions.map((s) => within(20000, 'a session', once(s, 'open'))));
  const open = async () => (await gateway.stats()).listeners[0].connections_open;
  assert.equal(await open(), 2);
  const third = new WebSocket(`ws://127.0.0.1:${port}/`);
  const opened = once(third, 'open');
  const line = await gateway.logged((e) => e.event === 'clients wait', 'the third to wait');
  assert.equal(line.why, 'all 2 connections of the listener are open');
  assert.equal(third.readyState, WebSocket.CONNECTING);
  assert.equal(await open(), 2);
  sessions[0].terminate();
  await within(20000, 'the third to get in', opened);
  assert.equal(await open(), 2);
  third.terminate();
  sessions[1].terminate();
  await eventually('all to have left', async () => (await open()) === 0);
});
