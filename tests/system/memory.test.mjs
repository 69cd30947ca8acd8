// Clients that make the gateway hold much memory: it stays within its limit, other clients are served meanwhile, and
// memory shrinks again afterwards.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { residentBytes, peakBytes, sanitized, startGateway, within } from './support.mjs';

const MiB = 1 << 20;
const clients = 300;
const bound = 64 * MiB;

const configuration = `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
memory: 64MiB
workers: 2
routes:
  - { path: /echo, plugin: echo, limits: { message_size: 2MiB } }
  - { path: /stats, plugin: stats }
  - { path: /room, plugin: broadcast, options: { http_publish: true }, limits: { message_size: 2MiB } }
`;

// Sends as much as the gateway accepts; reads responses, or not.
async function flood(t, port, bytes, { reads = true } = {}) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.answer = '';
  if (reads) socket.on('data', (data) => (socket.answer += data.toString('latin1')));
  else socket.pause();
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

// One connection for all requests: the admin address accepts few.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const memoryOf = (gateway) => new Promise((resolve, reject) => {
  http.get({ agent, port: gateway.admin, host: '127.0.0.1', path: '/stats' }, (response) => {
    let body = '';
    response.on('data', (data) => (body += data));
    response.on('end', () => resolve(JSON.parse(body).memory));
  }).on('error', reject);
});

// An echo over a new session, from the point of view of a well-behaved client, which retries if it is told to.
async function echo(port) {
  const frame = Buffer.concat([Buffer.from([0x81, 0x86, 0, 0, 0, 0]), Buffer.from('polite')]);
  const attempt = () => new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    let answer = '';
    const settle = (served) => { socket.destroy(); resolve(served); };
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (answer.startsWith('HTTP/1.1 503') && answer.includes('\r\nRetry-After: ')) settle(false);
      if (answer.includes('polite')) settle(true);
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`ended: ${answer}`)));
    socket.write('GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\n'
      + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    socket.write(frame);
  });
  await until('an echo', attempt);
}

async function until(what, holds) {
  await within(60000, what, (async () => {
    while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
  })());
}

// Opens the clients, and waits until the gateway has refused enough of them to be below its limit again.
async function besiege(t, kind, open) {
  const gateway = await startGateway(t, configuration);
  const port = gateway.ports[0];
  await echo(port);
  const idle = residentBytes(gateway.pid);
  const sockets = await Promise.all(Array.from({ length: clients }, () => open(gateway)));
  // Others are served meanwhile.
  await until('refusals', async () => {
    await echo(port);
    const memory = await memoryOf(gateway);
    return memory.refusals[kind] > 0 && memory.held_bytes <= bound * 5 / 8;
  });
  await echo(port);
  const peak = peakBytes(gateway.pid) - idle;
  t.diagnostic(`idle ${idle / MiB} MiB, at most ${peak / MiB} MiB above it`);
  if (!sanitized) assert.ok(peak <= bound * 1.1, `${peak / MiB} MiB above idle`);
  for (const socket of sockets) socket.destroy();
  await until('nothing held', async () => (await memoryOf(gateway)).held_bytes < MiB);
  if (!sanitized) await until('memory given back', () => residentBytes(gateway.pid) - idle < 16 * MiB);
  return sockets;
}

test('300 unfinished POSTs of 1 MB', { timeout: 180000 }, async (t) => {
  const head = `POST /room HTTP/1.1\r\nHost: a\r\nContent-Length: ${MiB}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(MiB - 1, 'b')]);
  const sockets = await besiege(t, 'unfinished_request', (gateway) => flood(t, gateway.ports[0], bytes));
  const refused = sockets.filter((socket) => socket.answer.startsWith('HTTP/1.1 503'));
  assert.ok(refused.length > 0);
  for (const { answer } of refused) assert.match(answer, /\r\nRetry-After: 5\r\n/);
});

test('300 unfinished WebSocket messages of 1 MB', { timeout: 180000 }, async (t) => {
  const head = 'GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\n'
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
  const bytes = Buffer.concat([Buffer.from(head), header, Buffer.alloc(MiB - 1, 'm')]);
  const sockets = await besiege(t, 'session', (gateway) => flood(t, gateway.ports[0], bytes));
  // 1013 is 0x03f5.
  assert.ok(sockets.some((socket) => socket.answer.includes('\x03\xf5the gateway is out of memory')));
});

test('300 clients that request statistics and do not read them', { timeout: 180000 }, async (t) => {
  const bytes = Buffer.from('GET /stats HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
  await besiege(t, 'stalled_reader', (gateway) => flood(t, gateway.ports[0], bytes, { reads: false }));
});
