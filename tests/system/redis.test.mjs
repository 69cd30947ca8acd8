// Redis on a unix socket behind the gateway: RESP in binary frames.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import WebSocket from 'ws';
import { start, startGateway, temporaryFolder, within } from './support.mjs';

test('RESP over binary frames to a unix socket', async (t) => {
  const folder = temporaryFolder(t);
  const path = `${folder}/redis.sock`;
  const redis = start(t, 'redis-server', ['--port', '0', '--unixsocket', path, '--save', '', '--dir', folder]);
  await within(20000, 'redis to be ready', new Promise((resolve, reject) => {
    redis.stdout.on('data', () => /ready to accept connections/i.test(redis.output) && resolve());
    redis.exited.then((code) => reject(new Error(`redis ended with ${code}`)));
  }));
  await new Promise((resolve, reject) => {
    const probe = net.connect(path, () => { probe.destroy(); resolve(); }).on('error', reject);
  });
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { redis: { servers: [ "unix:${path}" ] } }
routes: [ { path: /redis, backend: redis } ]
`, { folder });
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/redis`);
  await within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
  let received = Buffer.alloc(0);
  let changed = () => {};
  socket.on('message', (data, binary) => {
    assert.equal(binary, true);
    received = Buffer.concat([received, data]);
    changed();
  });
  const reply = (expected) => within(20000, `${expected.length} bytes of reply`, new Promise((resolve) => {
    changed = () => received.length >= expected.length && resolve();
    changed();
  })).then(() => {
    assert.deepEqual(received, expected);
    received = Buffer.alloc(0);
  });
  const resp = (...words) => Buffer.concat([Buffer.from(`*${words.length}\r\n`),
    ...words.map((w) => Buffer.concat([Buffer.from(`$${w.length}\r\n`), Buffer.from(w), Buffer.from('\r\n')]))]);
  socket.send(resp('PING'));
  await reply(Buffer.from('+PONG\r\n'));
  const value = Buffer.alloc(300000, 0).map((_, i) => i % 256);
  socket.send(resp('SET', 'k', value));
  await reply(Buffer.from('+OK\r\n'));
  socket.send(resp('GET', 'k'));
  await reply(Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]));
  // QUIT: the server ends the connection, and the client gets the last reply and Close 1000.
  const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  socket.send(resp('QUIT'));
  assert.equal(await within(20000, 'close', closed), 1000);
  assert.equal(received.toString(), '+OK\r\n');
});
