// nginx behind the gateway, and in front of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import zlib from 'node:zlib';
import WebSocket, { WebSocketServer } from 'ws';
import {
  RawClient, echoServer, listen, makeCertificates, peakBytes, residentBytes, sanitized, startGateway, tcpServer,
  temporaryFolder, within,
} from './support.mjs';
import { startNginx } from './nginx.mjs';

const MiB = 1 << 20;
const page = 'a line of text that gzip makes shorter\n'.repeat(500);

// Sends one request and returns the response, with the body as a buffer; `agent` keeps connections alive.
async function ask(port, path, { method = 'GET', headers = {}, body, agent, onData } = {}) {
  const request = http.request({ port, host: '127.0.0.1', path, method, headers, agent });
  if (body?.pipe) body.pipe(request);
  else request.end(body);
  const [response] = await within(60000, `${method} ${path}`, once(request, 'response'));
  const pieces = [];
  response.on('data', onData ?? ((data) => pieces.push(data)));
  await within(60000, `the body of ${path}`, once(response, 'end'));
  assert.equal(response.complete, true);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) };
}

// A sparse file, with some data that differs by position.
function sparseFile(file, size) {
  const handle = fs.openSync(file, 'w');
  fs.ftruncateSync(handle, size);
  for (let i = 0; i < 64; ++i) {
    const piece = crypto.randomBytes(5000);
    fs.writeSync(handle, piece, 0, piece.length, Math.floor(((size - piece.length) / 63) * i));
  }
  fs.closeSync(handle);
}

async function hashOf(stream) {
  const hash = crypto.createHash('sha256');
  for await (const data of stream) hash.update(data);
  return hash.digest('hex');
}

async function nginxBehindTheGateway(t) {
  const folder = temporaryFolder(t);
  fs.mkdirSync(`${folder}/site`);
  fs.mkdirSync(`${folder}/client_body`);
  fs.writeFileSync(`${folder}/site/page.txt`, page);
  const nginx = await startNginx(t, (port) => `
  sendfile on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  gzip on;
  gzip_types text/plain;
  gzip_http_version 1.0;
  gzip_proxied any;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/site;
    location = /connection { return 200 $connection; }
    # The body goes to a file, and the file's name comes back.
    location = /upload {
      client_body_in_file_only on;
      proxy_pass http://127.0.0.1:${port}/name;
      proxy_set_header X-File $request_body_file;
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    }
    location = /name { return 200 $http_x_file; }
  }`, folder);
  const silent = await tcpServer(t, (socket) => socket.pause());
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
workers: 1
backends:
  nginx: { servers: [ "http://127.0.0.1:${nginx.port}" ] }
  silent: { servers: [ "http://127.0.0.1:${silent}" ] }
routes:
  - { path: "/*", backend: nginx }
  - { path: /silent, backend: silent }
`);
  return { folder, gateway, port: gateway.ports[0] };
}

test('responses of nginx reach the client unchanged', { timeout: 120000 }, async (t) => {
  const { port } = await nginxBehindTheGateway(t);

  const connections = new Set();
  for (let i = 0; i < 20; ++i) connections.add((await ask(port, '/connection')).body.toString());
  assert.equal(connections.size, 1, 'sequential clients share one connection to nginx');

  const whole = await ask(port, '/page.txt');
  assert.equal(whole.body.toString(), page);
  assert.equal(whole.headers['content-length'], String(page.length));
  const head = await ask(port, '/page.txt', { method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(page.length));
  assert.equal(head.headers.etag, whole.headers.etag);

  const zipped = await ask(port, '/page.txt', { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(zipped.headers['transfer-encoding'], 'chunked');
  assert.equal(zlib.gunzipSync(zipped.body).toString(), page);
  const zippedHead = await ask(port, '/page.txt', { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zippedHead.headers['content-encoding'], 'gzip');
  assert.equal(zippedHead.headers['content-length'], undefined);

  const unchanged = await ask(port, '/page.txt', { headers: { 'if-none-match': whole.headers.etag } });
  assert.equal(unchanged.status, 304);
  assert.equal(unchanged.headers.etag, whole.headers.etag);
  const since = await ask(port, '/page.txt', { headers: { 'if-modified-since': whole.headers['last-modified'] } });
  assert.equal(since.status, 304);

  const range = await ask(port, '/page.txt', { headers: { range: 'bytes=10-19' } });
  assert.equal(range.status, 206);
  assert.equal(range.headers['content-range'], `bytes 10-19/${page.length}`);
  assert.equal(range.body.toString(), page.slice(10, 20));
  const ranges = await ask(port, '/page.txt', { headers: { range: 'bytes=0-4,-5' } });
  assert.match(ranges.headers['content-type'], /^multipart\/byteranges; boundary=/);
  assert.match(ranges.body.toString(), new RegExp(`\r\n\r\n${page.slice(0, 5)}\r\n`));
  assert.equal((await ask(port, '/page.txt', { headers: { range: 'bytes=999999-' } })).status, 416);
  assert.equal((await ask(port, '/missing')).status, 404);

  const old = await RawClient.connect(port);
  old.send('GET /page.txt HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n');
  const all = await old.end();
  assert.match(all, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(all, /\r\nTransfer-Encoding:/i);
  const body = Buffer.from(all.slice(all.indexOf('\r\n\r\n') + 4), 'latin1');
  assert.equal(zlib.gunzipSync(body).toString(), page);
});

test('bodies of any size pass without growing the gateway', { timeout: 180000 }, async (t) => {
  const { folder, gateway, port } = await nginxBehindTheGateway(t);
  const before = residentBytes(gateway.pid);
  const staysBelow = (bytes, what) => {
    const grown = peakBytes(gateway.pid) - before;
    if (!sanitized) assert.ok(grown < bytes, `${what}: ${(grown / MiB).toFixed(1)} MiB`);
  };

  await t.test('a download', async () => {
    const file = `${folder}/site/large`;
    const size = sanitized ? 32 * MiB : 1024 * MiB;
    sparseFile(file, size);
    const hash = crypto.createHash('sha256');
    const answer = await ask(port, '/large', { onData: (data) => hash.update(data) });
    assert.equal(answer.headers['content-length'], String(size));
    assert.equal(hash.digest('hex'), await hashOf(fs.createReadStream(file, { highWaterMark: MiB })));
    staysBelow(16 * MiB, 'after a download');
  });

  await t.test('an upload to a file', async () => {
    const file = `${folder}/upload`;
    sparseFile(file, sanitized ? 16 * MiB : 128 * MiB);
    const sent = await hashOf(fs.createReadStream(file, { highWaterMark: MiB }));
    for (const headers of [{ 'content-length': fs.statSync(file).size }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await ask(port, '/upload',
        { method: 'PUT', headers, body: fs.createReadStream(file, { highWaterMark: MiB }) });
      assert.equal(answer.status, 200);
      const kept = answer.body.toString();
      assert.equal(await hashOf(fs.createReadStream(kept, { highWaterMark: MiB })), sent);
      fs.unlinkSync(kept);
    }
    staysBelow(16 * MiB, 'after an upload');
  });

  // Once another exchange through the same loop is complete, all queues that can fill up are full.
  const meanwhile = () => ask(port, '/large', { headers: { range: `bytes=0-${16 * MiB}` }, onData: () => {} });

  await t.test('clients that stop reading', async () => {
    const clients = [];
    for (let i = 0; i < 20; ++i) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
      await within(20000, 'the first bytes', once(socket, 'readable'));
      clients.push(socket);
    }
    await meanwhile();
    // Each holds at most the high watermark and one read.
    staysBelow(16 * MiB + clients.length * 512 * 1024, 'with clients that do not read');
    for (const socket of clients) socket.destroy();
  });

  await t.test('a server that stops reading', async () => {
    const clients = [];
    for (let i = 0; i < 20; ++i) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      const size = 32 * MiB;
      socket.write(`PUT /silent HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
      clients.push(socket);
    }
    await meanwhile();
    for (const socket of clients) assert.ok(socket.writableLength > 0, 'no upload was accepted in full');
    staysBelow(16 * MiB + clients.length * 1024 * 1024, 'with a server that does not read');
    for (const socket of clients) socket.destroy();
  });
});

test('behind nginx that terminates TLS, the gateway sees the real clients', { timeout: 120000 }, async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const echo = await echoServer(t);
  const site = http.createServer((request, response) => response.end(JSON.stringify(request.headers)));
  const sockets = new WebSocketServer({ server: site });
  sockets.on('connection', (socket, request) => socket.send(JSON.stringify(request.headers)));
  t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
  const origin = await listen(t, site);
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", trusted_proxies: [ 127.0.0.1/32 ] }
  - { address: "127.0.0.1:0" }
backends:
  site: { servers: [ "http://127.0.0.1:${origin}" ] }
  echo: { servers: [ "tcp://127.0.0.1:${echo}" ] }
routes:
  - { path: "/*", backend: site }
  - { path: /echo, backend: echo }
`);
  const front = (to) => startNginx(t, (port) => `
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificates.cert};
    ssl_certificate_key ${certificates.key};
    location / {
      proxy_pass http://127.0.0.1:${to};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }
  }`);
  const trusted = (await front(gateway.ports[0])).port;
  const untrusted = (await front(gateway.ports[1])).port;

  // Resolves to the close code, or to the status of a refusal, and the data received before.
  const open = (port, path, claimed, headers = {}) => new Promise((resolve) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, {
      ca: certificates.ca, origin: claimed, headers, localAddress: '127.0.0.5',
    });
    let got = '';
    socket.on('open', () => { if (path === '/echo') socket.send('through nginx'); });
    socket.on('message', (data) => { got += data; socket.close(1000); });
    socket.on('close', (code) => resolve({ code, got }));
    socket.on('unexpected-response',
      (request, response) => { request.destroy(); resolve({ status: response.statusCode }); });
    socket.on('error', () => {});
  });

  await t.test('origins are compared with the address that the client uses', async () => {
    assert.deepEqual(await open(trusted, '/echo', `https://127.0.0.1:${trusted}`),
      { code: 1000, got: 'through nginx' });
    assert.deepEqual(await open(trusted, '/echo', undefined), { code: 1000, got: 'through nginx' });
    for (const other of [`http://127.0.0.1:${trusted}`, 'https://127.0.0.1', `https://127.0.0.1:${gateway.ports[0]}`,
      'https://evil.example', 'null']) {
      assert.deepEqual(await open(trusted, '/echo', other), { status: 403 }, other);
    }
    const opened = await gateway.logged((e) => e.event === 'session open');
    assert.equal(opened.client, '127.0.0.5');
  });

  await t.test('forwarding headers of an untrusted proxy are ignored', async () => {
    assert.deepEqual(await open(untrusted, '/echo', `https://127.0.0.1:${untrusted}`), { status: 403 });
    const answer = await open(untrusted, '/', undefined, { 'x-forwarded-for': '6.6.6.6' });
    const headers = JSON.parse(answer.got);
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-host'], '127.0.0.1');
  });

  await t.test('the server gets the whole chain of proxies', async () => {
    const answer = await open(trusted, '/', `https://127.0.0.1:${trusted}`, { 'x-forwarded-for': '6.6.6.6' });
    const headers = JSON.parse(answer.got);
    assert.equal(headers['x-forwarded-for'], '6.6.6.6, 127.0.0.5, 127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['x-forwarded-host'], `127.0.0.1:${trusted}`);
    assert.equal(headers.host, '127.0.0.1');
  });
});
