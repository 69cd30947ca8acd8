// Who may connect, by what others vouch for: certificates of clients, and services that are asked.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import WebSocket from 'ws';
import { listen, makeCertificates, startGateway, tcpServer, temporaryFolder, within } from './support.mjs';

// A certificate for a client, by the authority of makeCertificates.
function clientCertificate(folder, name, san) {
  const at = (end) => path.join(folder, `${name}.${end}`);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('key'), '-out',
    at('csr'), '-subj', `/O=Example/CN=${name}`, '-addext', `subjectAltName=${san}`);
  openssl('x509', '-req', '-in', at('csr'), '-CA', path.join(folder, 'ca.crt'), '-CAkey', path.join(folder, 'ca.key'),
    '-CAcreateserial', '-out', at('crt'), '-days', '2', '-copy_extensions', 'copy');
  return { cert: fs.readFileSync(at('crt')), key: fs.readFileSync(at('key')) };
}

function get(port, target, options) {
  return new Promise((resolve, reject) => {
    const request = https.get({ port, path: target, servername: 'localhost', agent: false, ...options }, (response) => {
      let body = '';
      response.on('data', (data) => { body += data; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    request.on('error', reject);
  });
}

test('certificates let clients in, and servers learn whose they are', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const alice = clientCertificate(folder, 'alice', 'DNS:alice.example,URI:spiffe://example.org/alice');
  const bob = clientCertificate(folder, 'bob', 'DNS:bob.example');
  const seen = [];
  const web = await listen(t, http.createServer((request, response) => {
    seen.push(request.headers);
    response.end('hello');
  }));
  let first = Buffer.alloc(0);
  const bytes = await tcpServer(t, (socket) => {
    socket.on('data', (data) => { first = Buffer.concat([first, data]); });
  });
  const gateway = await startGateway(t, `
listeners:
  - address: "127.0.0.1:0"
    tls:
      certificates: [ { cert: "${certificates.cert}", key: "${certificates.key}" } ]
      client_auth: optional
      client_ca: "${certificates.caFile}"
admin: { address: "127.0.0.1:0" }
auth: { machines: { client_certificate: { sans: [ "URI:spiffe://example.org/*" ], issuers: [ "CN=Test CA" ] } } }
backends:
  web: { servers: [ "http://127.0.0.1:${web}" ] }
  bytes: { servers: [ "tcp://127.0.0.1:${bytes}" ], send_proxy: v2 }
routes:
  - path: /web
    backend: web
    auth: machines
    request_headers: { set: { X-User: "{user}", X-San: "{claim.san}" } }
    client_cert_headers: [ client-cert, x-ssl-client ]
  - { path: /open, backend: web }
  - { path: /bytes, backend: bytes, auth: machines }`);
  const [port] = gateway.ports;
  const forged = { 'Client-Cert': ':Zm9yZ2Vk:', 'X-SSL-Client-CN': 'root', x_user: 'root', 'X-User': 'root' };
  const options = { ca: certificates.ca, headers: forged };

  assert.equal((await get(port, '/web', { ...options, ...alice })).body, 'hello');
  const der = Buffer.from(alice.cert.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64');
  assert.equal(seen[0]['client-cert'], `:${der.toString('base64')}:`);
  assert.equal(seen[0]['x-ssl-client-verify'], 'SUCCESS');
  assert.equal(seen[0]['x-ssl-client-cn'], 'alice');
  assert.equal(decodeURIComponent(seen[0]['x-ssl-client-cert']), alice.cert.toString());
  assert.equal(seen[0]['x-user'], 'alice');
  assert.equal(seen[0]['x-san'], 'DNS:alice.example,URI:spiffe://example.org/alice');

  assert.equal((await get(port, '/web', { ...options, ...bob })).status, 403);
  assert.equal((await get(port, '/web', options)).status, 403, 'no certificate');
  assert.equal((await get(port, '/open', options)).body, 'hello');
  assert.equal(seen.length, 2);
  for (const headers of seen) assert.ok(!/root|Zm9yZ2Vk/.test(JSON.stringify(headers)), 'what clients forge is gone');

  const tls = { ca: certificates.ca, servername: 'localhost', ...alice };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/bytes`, tls);
  t.after(() => socket.terminate());
  await within(20000, 'the upgrade', once(socket, 'open'));
  socket.send('payload');
  await within(20000, 'the payload', (async () => {
    while (!first.toString('latin1').endsWith('payload')) await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.ok(first.includes(Buffer.from('\xe0\0\x05alice', 'latin1')), 'the user in a TLV');
  const sessions = await (await fetch(`http://127.0.0.1:${gateway.admin}/sessions?user=alice`)).json();
  assert.deepEqual(sessions.sessions.map((session) => session.user), ['alice']);
});

test('a service says who may come in, and who may stay', async (t) => {
  const seen = [];
  const asked = [];
  let revoked = false;
  const web = await listen(t, http.createServer((request, response) => {
    seen.push(request.headers);
    response.end('hello');
  }));
  const service = await listen(t, http.createServer((request, response) => {
    asked.push(request.headers);
    const uri = request.headers['x-forwarded-uri'];
    if (uri === '/login') {
      response.writeHead(302, { Location: 'https://id.example/start', 'Set-Cookie': 'csrf=1' });
    } else if (uri === '/broken') {
      response.writeHead(500);
    } else if (request.headers.cookie !== 'session=alice' || revoked) {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer realm="id"' });
    } else {
      response.writeHead(202, { 'X-Auth-User': 'alice', 'X-Auth-Email': 'alice@example.org' });
    }
    response.end(uri === '/login' ? 'go there' : '');
  }));
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
auth:
  id:
    forward:
      url: "http://127.0.0.1:${service}/oauth2/auth"
      headers: [ Cookie ]
      set: [ X-Auth-Email ]
      user_header: X-Auth-User
      recheck: 1s
backends: { web: { servers: [ "http://127.0.0.1:${web}" ] } }
routes:
  - { path: /ws, plugin: echo, auth: id }
  - { path: /open, backend: web }
  - { path: /*, backend: web, auth: id }`);
  const at = `http://127.0.0.1:${gateway.ports[0]}`;
  const headers = { Cookie: 'session=alice', 'X-Auth-Email': 'root' };

  assert.equal(await (await fetch(`${at}/page?a=1`, { headers })).text(), 'hello');
  assert.equal(seen[0]['x-auth-email'], 'alice@example.org');
  assert.equal(asked[0]['x-forwarded-method'], 'GET');
  assert.equal(asked[0]['x-forwarded-uri'], '/page?a=1');
  assert.equal(asked[0]['x-forwarded-host'], `127.0.0.1:${gateway.ports[0]}`);
  assert.equal(asked[0]['x-forwarded-for'], '127.0.0.1');
  await (await fetch(`${at}/open`, { headers })).text();
  assert.equal(seen[1]['x-auth-email'], undefined, 'not from a client, on no route');

  const denied = await fetch(`${at}/page`);
  assert.equal(denied.status, 401);
  assert.equal(denied.headers.get('www-authenticate'), 'Bearer realm="id"');
  const login = await fetch(`${at}/login`, { redirect: 'manual' });
  assert.deepEqual([login.status, login.headers.get('location'), login.headers.get('set-cookie'), await login.text()],
    [302, 'https://id.example/start', 'csrf=1', 'go there']);
  assert.equal((await fetch(`${at}/broken`, { headers })).status, 502);
  assert.equal(seen.length, 2);

  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/ws`, { headers: { Cookie: 'session=alice' } });
  t.after(() => socket.terminate());
  await within(20000, 'the upgrade', once(socket, 'open'));
  const before = asked.length;
  await within(20000, 'a second question', (async () => {
    while (asked.length === before) await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.equal(socket.readyState, WebSocket.OPEN);
  revoked = true;
  const [code] = await within(20000, 'the close', once(socket, 'close'));
  assert.equal(code, 3000);
});
