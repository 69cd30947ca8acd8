// Limits by client and by session over real sockets: loopback addresses stand for clients.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { httpGet, startGateway, within } from './support.mjs';

// The status of a handshake, and its Retry-After; the socket stays open.
function shake(t, url, localAddress) {
  const socket = new WebSocket(url, { localAddress });
  t.after(() => socket.terminate());
  socket.on('error', () => {});
  return within(20000, 'an answer', Promise.race([
    once(socket, 'open').then(() => ({ status: 101, socket })),
    once(socket, 'unexpected-response').then(([, response]) =>
      ({ status: response.statusCode, after: response.headers['retry-after'] })),
  ]));
}

test('clients have as many handshakes, sessions and connections as they may', async (t) => {
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0" }
  - { address: "127.0.0.1:0", connections_per_client: 1 }
admin: { address: "127.0.0.1:0" }
workers: 2
routes:
  - { path: /rated, plugin: echo, limits: { handshakes: { rate: 1/h, burst: 2 } } }
  - { path: /few, plugin: echo, limits: { sessions_per_client: 1 } }
`);
  const [port, counted] = gateway.ports;
  const rated = `ws://127.0.0.1:${port}/rated`;
  assert.equal((await shake(t, rated, '127.0.0.2')).status, 101);
  assert.equal((await shake(t, rated, '127.0.0.2')).status, 101);
  const late = await shake(t, rated, '127.0.0.2');
  assert.equal(late.status, 429);
  assert.ok(late.after > 3500 && late.after <= 3600, `Retry-After: ${late.after}`);
  assert.equal((await shake(t, rated, '127.0.0.3')).status, 101);

  const few = `ws://127.0.0.1:${port}/few`;
  const first = await shake(t, few, '127.0.0.2');
  assert.equal(first.status, 101);
  assert.equal((await shake(t, few, '127.0.0.2')).status, 429);
  first.socket.close();
  await once(first.socket, 'close');
  await gateway.logged((e) => e.event === 'session close', 'the end of the session');
  assert.equal((await shake(t, few, '127.0.0.2')).status, 101);

  assert.equal((await shake(t, `ws://127.0.0.1:${counted}/few`, '127.0.0.4')).status, 101);
  const closed = new WebSocket(`ws://127.0.0.1:${counted}/few`, { localAddress: '127.0.0.4' });
  const [error] = await within(20000, 'a closed connection', once(closed, 'error'));
  assert.match(error.message, /hang up|ECONNRESET|EPIPE/);
  const metrics = (await httpGet(gateway.admin, '/metrics')).body;
  assert.match(metrics, /upgate_route_refusals_total{route="\/rated",reason="handshakes"} 1/);
  assert.match(metrics, /upgate_route_refusals_total{route="\/few",reason="sessions_per_client"} 1/);
  assert.match(metrics, /upgate_listener_turned_away_total{[^}]*reason="connections_per_client"} 1/);
});

test('a session is read as fast as its route allows, and its order stays', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
backends: { live: { servers: [ "ws://127.0.0.1:${server.address().port}" ] } }
routes:
  - { path: /delayed, backend: live, limits: { messages: { rate: 500/s, burst: 100 } } }
  - { path: /closed, backend: live, limits: { messages: { rate: 1/h, burst: 100, over: close } } }
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}`;
  const got = [];
  server.on('connection', (peer) => peer.on('message', (data) => got.push(Number(data))));
  const { socket } = await shake(t, `${url}/delayed`);
  const began = process.hrtime.bigint();
  for (let i = 0; i < 1100; ++i) socket.send(String(i));
  socket.close();
  await within(60000, 'the end', once(socket, 'close'));
  const took = Number(process.hrtime.bigint() - began) / 1e9;
  assert.deepEqual(got, Array.from({ length: 1100 }, (_, i) => i));
  assert.ok(took >= 1.9, `1,000 messages after the burst came in ${took} s`);
  assert.ok((await gateway.stats()).routes[0].in.rate_waits > 0);

  const over = await shake(t, `${url}/closed`);
  for (let i = 0; i < 101; ++i) over.socket.send('x');
  const [code, reason] = await within(20000, 'a Close', once(over.socket, 'close'));
  assert.equal(code, 1008);
  assert.match(String(reason), /limits\.messages/);
});
