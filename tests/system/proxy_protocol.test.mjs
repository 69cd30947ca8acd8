// The PROXY protocol with those who defined and who use it: HAProxy and nginx, in front of the gateway and behind it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import WebSocket from 'ws';
import { listen, makeCertificates, startGateway, temporaryFolder, within } from './support.mjs';
import { startHaproxy } from './haproxy.mjs';
import { startNginx } from './nginx.mjs';

// An HTTP server that answers with what it got as X-Forwarded-For.
async function forwardedFor(t) {
  const server = http.createServer((request, response) => response.end(request.headers['x-forwarded-for'] ?? 'none'));
  return listen(t, server);
}

async function get(port, path, from = '127.0.0.1') {
  const request = http.get({ port, host: '127.0.0.1', path, localAddress: from, agent: false });
  const [response] = await within(20000, path, once(request, 'response'));
  let body = '';
  for await (const data of response) body += data;
  return { status: response.statusCode, body };
}

async function upgrade(port, path, from = '127.0.0.1') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { localAddress: from });
  await within(20000, `the upgrade of ${path}`, once(socket, 'open'));
  return socket;
}

for (const version of ['send-proxy', 'send-proxy-v2']) {
  test(`HAProxy in front with ${version}`, async (t) => {
    const server = await forwardedFor(t);
    const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", proxy_protocol: required, trusted_proxies: [ 127.0.0.1 ] } ]
backends: { h: { servers: [ "http://127.0.0.1:${server}" ] } }
routes: [ { path: /h, backend: h }, { path: /echo, plugin: echo } ]`);
    const haproxy = await startHaproxy(t, (port) => `
frontend clients
  mode tcp
  bind 127.0.0.1:${port}
  default_backend gateway
backend gateway
  mode tcp
  server gateway 127.0.0.1:${gateway.ports[0]} ${version}`);
    assert.deepEqual(await get(haproxy.port, '/h', '127.0.0.7'), { status: 200, body: '127.0.0.7' });
    const socket = await upgrade(haproxy.port, '/echo', '127.0.0.8');
    socket.send('hello');
    const [data] = await within(20000, 'the echo', once(socket, 'message'));
    assert.equal(String(data), 'hello');
    const line = await gateway.logged((entry) => entry.event === 'session open');
    assert.match(line.client, /^127\.0\.0\.8:/);
    socket.close();
    // Without a header nothing is answered.
    await assert.rejects(get(gateway.ports[0], '/h'), /ECONNRESET|socket hang up/);
  });
}

for (const version of ['v1', 'v2']) {
  test(`HAProxy behind the gateway accepts ${version}`, async (t) => {
    const server = await forwardedFor(t);
    const haproxy = await startHaproxy(t, (port) => `
frontend gateway
  mode http
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[fc_pp_unique_id] %[fc_pp_authority]"`);
    const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends:
  h: { servers: [ "http://127.0.0.1:${haproxy.port}" ], send_proxy: ${version} }
  plain: { servers: [ "http://127.0.0.1:${server}" ] }
routes: [ { path: /h, backend: h }, { path: /plain, backend: plain } ]`);
    const one = await get(gateway.ports[0], '/h', '127.0.0.7');
    assert.equal(one.status, 200);
    assert.match(one.body, version === 'v1' ? /^127\.0\.0\.7 / : /^127\.0\.0\.7 [0-9a-f]{32} /);
    // Another client, another connection.
    assert.match((await get(gateway.ports[0], '/h', '127.0.0.9')).body, /^127\.0\.0\.9 /);
  });

  test(`nginx behind the gateway accepts ${version}`, async (t) => {
    const nginx = await startNginx(t, (port) => `
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    location / { return 200 "$proxy_protocol_addr"; }
  }`);
    const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { h: { servers: [ "http://127.0.0.1:${nginx.port}" ], send_proxy: ${version} } }
routes: [ { path: /h, backend: h } ]`);
    assert.deepEqual(await get(gateway.ports[0], '/h', '127.0.0.7'), { status: 200, body: '127.0.0.7' });
  });
}

test('a server of bytes gets the header first', async (t) => {
  let first = '';
  const server = net.createServer((socket) => socket.on('data', (data) => { first += data; }));
  const port = await listen(t, server);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { b: { servers: [ "tcp://127.0.0.1:${port}" ], send_proxy: v1 } }
routes: [ { path: /b, backend: b } ]`);
  const socket = await upgrade(gateway.ports[0], '/b', '127.0.0.7');
  socket.send('payload');
  await within(20000, 'the payload', (async () => {
    while (!first.endsWith('payload')) await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.match(first, new RegExp(`^PROXY TCP4 127\\.0\\.0\\.7 127\\.0\\.0\\.1 \\d+ ${gateway.ports[0]}\r\npayload$`));
  socket.close();
});

test('a plain listener says what a PROXY header is', async (t) => {
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
routes: [ { path: /echo, plugin: echo } ]`);
  const socket = net.connect(gateway.ports[0], '127.0.0.1');
  socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n');
  let answer = '';
  for await (const data of socket) answer += data;
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.match(answer, /proxy_protocol: required/);
});

// The optional fields of a header of version 2: a map from type to value.
function fieldsOf(bytes, from = 28) {
  const fields = new Map();
  for (let at = from; at < bytes.length;) {
    const size = bytes.readUInt16BE(at + 1);
    fields.set(bytes[at], bytes.subarray(at + 3, at + 3 + size));
    at += 3 + size;
  }
  return fields;
}

test('version 2 says how the client came by TLS', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  let first = Buffer.alloc(0);
  const server = net.createServer((socket) => socket.on('data', (data) => { first = Buffer.concat([first, data]); }));
  const port = await listen(t, server);
  const gateway = await startGateway(t, `
listeners:
  - address: "127.0.0.1:0"
    tls:
      certificates: [ { cert: "${certificates.cert}", key: "${certificates.key}" } ]
      client_auth: required
      client_ca: "${certificates.caFile}"
backends: { b: { servers: [ "tcp://127.0.0.1:${port}" ], send_proxy: v2 } }
routes: [ { path: /b, backend: b } ]`);
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.ports[0]}/b`, {
    ca: certificates.ca, servername: 'a.example', ALPNProtocols: ['http/1.1'], cert: fs.readFileSync(certificates.cert),
    key: fs.readFileSync(certificates.key), minVersion: 'TLSv1.3',
  });
  await within(20000, 'the upgrade', once(socket, 'open'));
  socket.send('payload');
  await within(20000, 'the payload', (async () => {
    while (!first.toString('latin1').endsWith('payload')) await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.equal(first.subarray(0, 14).toString('latin1'), '\r\n\r\n\0\r\nQUIT\n\x21\x11');
  const size = 16 + first.readUInt16BE(14);
  assert.equal(first.subarray(size).toString(), 'payload');
  const fields = fieldsOf(first.subarray(0, size));
  assert.equal(fields.get(0x01).toString(), 'http/1.1');
  assert.equal(fields.get(0x02).toString(), 'a.example');
  assert.match(fields.get(0x05).toString(), /^[0-9a-f]{32}$/);
  const ssl = fields.get(0x20);
  assert.equal(ssl[0], 0x03);  // TLS, with a certificate
  assert.equal(ssl.readUInt32BE(1), 0);  // that was verified
  const details = fieldsOf(ssl, 5);
  assert.equal(details.get(0x21).toString(), 'TLSv1.3');
  assert.equal(details.get(0x22).toString(), 'localhost');
  assert.match(details.get(0x23).toString(), /^TLS_/);
  socket.close();
});
