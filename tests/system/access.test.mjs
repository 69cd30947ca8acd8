// Access by address over real sockets: loopback addresses stand for clients.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { httpGet, makeCertificates, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';

const request = (path, extra = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${extra}\r\n`;

// All that comes back for `bytes` from this address.
async function ask(port, from, bytes) {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress: from });
  let received = '';
  socket.setEncoding('latin1').on('data', (data) => { received += data; }).on('error', () => {});
  socket.write(bytes);
  await within(20000, 'the end of the connection', new Promise((resolve) => { socket.on('close', resolve); }));
  return received;
}

test('routes answer 403, and listeners close before anything is read', async (t) => {
  const folder = temporaryFolder(t);
  const certificate = makeCertificates(folder);
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", trusted_proxies: [ 127.0.0.9 ] }
  - { address: "127.0.0.1:0", access: { allow: [ 127.0.0.0/8 ], deny: [ 127.0.0.2 ] }, ${tlsBlock(certificate)} }
admin: { address: "127.0.0.1:0" }
routes:
  - { path: /inside, plugin: stats, access: { deny: [ 127.0.0.2 ] } }
  - { path: /office, plugin: stats, access: { allow: [ 192.0.2.0/24 ] } }
`, { folder });
  const [plain, secure] = gateway.ports;
  assert.match(await ask(plain, '127.0.0.1', request('/inside')), /^HTTP\/1\.1 200 /);
  assert.match(await ask(plain, '127.0.0.2', request('/inside')), /^HTTP\/1\.1 403 /);
  assert.match(await ask(plain, '127.0.0.1', request('/office')), /^HTTP\/1\.1 403 /);
  const forwarded = 'X-Forwarded-For: 192.0.2.7\r\n';
  assert.match(await ask(plain, '127.0.0.9', request('/office', forwarded)), /^HTTP\/1\.1 200 /);
  assert.match(await ask(plain, '127.0.0.8', request('/office', forwarded)), /^HTTP\/1\.1 403 /);

  assert.equal(await ask(secure, '127.0.0.2', request('/inside')), '');
  const line = await gateway.logged((e) => e.event === 'connection closed', 'the closed connection');
  assert.match(line.client, /^127\.0\.0\.2:/);
  const allowed = tls.connect({ port: secure, host: '127.0.0.1', rejectUnauthorized: false });
  await within(20000, 'a TLS handshake', once(allowed, 'secureConnect'));
  allowed.destroy();

  const stats = await gateway.stats();
  assert.equal(stats.listeners[1].turned_away.address, 1);
  assert.equal(stats.listeners[1].tls_failures.plain_http, 0, 'nothing was read from it');
  assert.deepEqual(stats.routes.map((r) => r.refusals.address), [1, 2]);
  assert.match((await httpGet(gateway.admin, '/metrics')).body,
    /upgate_listener_turned_away_total{[^}]*reason="address"} 1/);
});
