// Overload over real sockets, and a storm of TLS clients.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import tls from 'node:tls';
import WebSocket from 'ws';
import { httpGet, makeCertificates, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';

const handshake = 'GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

test('out of memory, handshakes are refused and TLS connections closed, and sessions live', async (t) => {
  const folder = temporaryFolder(t);
  const certificate = makeCertificates(folder);
  const config = (memory) => `
listeners:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, ${tlsBlock(certificate)} }
admin: { address: "127.0.0.1:0" }
workers: 64
overload: { memory: ${memory} }
routes: [ { path: /echo, plugin: echo } ]
`;
  const gateway = await startGateway(t, config('80%'), { folder });
  const [plain, secure] = gateway.ports;
  const session = new WebSocket(`ws://127.0.0.1:${plain}/echo`);
  await within(20000, 'a session', once(session, 'open'));
  assert.equal((await httpGet(gateway.admin, '/readyz')).status, 200);

  // Far less than the program itself takes.
  fs.writeFileSync(gateway.file, fs.readFileSync(gateway.file, 'utf8').replace('memory: 80%', 'memory: 16MiB'));
  gateway.child.kill('SIGHUP');
  const line = await gateway.logged((e) => e.event === 'overloaded', 'the overload');
  assert.equal(line.reason, 'memory');
  const ready = await httpGet(gateway.admin, '/readyz');
  assert.equal(ready.status, 503);
  assert.equal(ready.body, 'overloaded: memory\n');
  assert.match((await httpGet(gateway.admin, '/metrics')).body, /upgate_overloaded{reason="memory"} 1/);

  const refused = new WebSocket(`ws://127.0.0.1:${plain}/echo`);
  refused.on('error', () => {});
  const [, response] = await within(20000, 'a refusal', once(refused, 'unexpected-response'));
  assert.equal(response.statusCode, 503);
  assert.ok(response.headers['retry-after'] >= 5 && response.headers['retry-after'] <= 30);
  const closed = tls.connect({ port: secure, host: '127.0.0.1', rejectUnauthorized: false });
  await within(20000, 'a closed connection', once(closed, 'error'));

  session.send('still here');
  const [echo] = await within(20000, 'an echo', once(session, 'message'));
  assert.equal(String(echo), 'still here');
  session.terminate();
});

test('a storm of TLS clients is served in order, and nobody is refused', async (t) => {
  const folder = temporaryFolder(t);
  const certificate = makeCertificates(folder);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", backlog: 4096, ${tlsBlock(certificate)} } ]
admin: { address: "127.0.0.1:0" }
http: { head_timeout: 5m }
workers: 1
routes: [ { path: /echo, plugin: echo } ]
`, { folder });
  const clients = Array.from({ length: 800 }, () =>
    tls.connect({ port: gateway.ports[0], host: '127.0.0.1', rejectUnauthorized: false }));
  t.after(() => clients.forEach((c) => c.destroy()));
  await within(60000, 'all sessions', Promise.all(clients.map(async (client) => {
    client.write(handshake);
    const [data] = await once(client, 'data');
    assert.match(String(data), /^HTTP\/1\.1 101 /);
  })));
  const stats = await gateway.stats();
  assert.equal(stats.routes[0].sessions_open, 800);
  assert.equal(stats.listeners[0].connections_refused, 0);
  assert.deepEqual(Object.values(stats.listeners[0].tls_failures).filter((n) => n > 0), []);
});
