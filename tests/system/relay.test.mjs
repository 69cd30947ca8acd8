// WebSocket and HTTP servers behind the gateway: real peers on both sides.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import WebSocket, { WebSocketServer } from 'ws';
import {
  listen, makeCertificates, sanitized, start, startGateway, tcpServer, temporaryFolder, tlsBlock, within,
} from './support.mjs';

const opened = (socket) =>
  within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));

test('permessage-deflate and subprotocols are negotiated end to end, with and without TLS', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const serve = async (server) => {
    const port = await listen(t, server);
    const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 },
      handleProtocols: (offers) => (offers.has('b') ? 'b' : false) });
    sockets.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.on('error', () => {});
    });
    t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
    return port;
  };
  const plain = await serve(http.createServer());
  const secure = await serve(
    https.createServer({ cert: fs.readFileSync(certificates.cert), key: fs.readFileSync(certificates.key) }));
  const gateway = await startGateway(t, `
listeners:
  - address: 127.0.0.1:0
  - { address: "127.0.0.1:0", ${tlsBlock(certificates)} }
admin: { address: "127.0.0.1:0" }
backends:
  ws: { servers: [ "ws://127.0.0.1:${plain}" ] }
  wss: { servers: [ "wss://localhost:${secure}" ], tls: { ca: "${certificates.caFile}" } }
  http: { servers: [ "http://127.0.0.1:${plain}" ] }
routes:
${['ws', 'wss', 'http'].map((b) => `  - { path: "/${b}", backend: ${b}, limits: { message_size: 8MiB } }`).join('\n')}
`, { folder });
  for (const front of [`ws://127.0.0.1:${gateway.ports[0]}`, `wss://localhost:${gateway.ports[1]}`]) {
    for (const path of ['/ws', '/wss', '/http']) {
      const socket = new WebSocket(front + path, ['a', 'b'],
        { ca: certificates.ca, perMessageDeflate: { threshold: 0 } });
      await opened(socket);
      assert.equal(socket.protocol, 'b');
      assert.equal(socket.extensions, 'permessage-deflate');
      for (const message of [Buffer.from(''), Buffer.alloc(100000, 'compressible '), crypto.randomBytes(3000000)]) {
        socket.send(message);
        const [data] = await within(20000, 'the echo', once(socket, 'message'));
        assert.ok(data.equals(message), `${path}: ${message.length} bytes`);
      }
      socket.close(3333, 'enough');
      assert.deepEqual((await within(20000, 'close', once(socket, 'close')))[0], 3333);
    }
  }
  // A client can see the end of its session before the gateway has counted it.
  await gateway.logged(() => gateway.log.filter((e) => e.event === 'session close').length === 6, 'the ends');
  const stats = await gateway.stats();
  assert.equal(stats.totals.in.binary_messages, 18);
  assert.equal(stats.totals.out.binary_messages, 18);
  assert.equal(stats.totals.close_codes['3000-3999'], 6);
});

test('an end without close_notify ends a session, but makes a response without a length incomplete', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const secured = { cert: fs.readFileSync(certificates.cert), key: fs.readFileSync(certificates.key) };
  // Each ends the connection below TLS.
  const cutting = (serve) => {
    const sockets = new Map();
    const inner = tls.createServer(secured, (socket) => serve(socket, () => sockets.get(socket.remotePort).end()));
    return tcpServer(t, (socket) => {
      sockets.set(socket.remotePort, socket);
      socket.on('close', () => sockets.delete(socket.remotePort));
      inner.emit('connection', socket);
    });
  };
  const bytes = await cutting((socket, cut) =>
    socket.on('error', () => {}).once('data', () => socket.write('all of it', cut)));
  const frames = await cutting((socket, cut) => {
    let head = '';
    socket.on('error', () => {}).on('data', (data) => {
      head += data.toString('latin1');
      const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1];
      if (!head.endsWith('\r\n\r\n')) return;
      const accept = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.write(Buffer.concat([Buffer.from([0x81, 2]), Buffer.from('ok'), Buffer.from([0x88, 2, 0x0b, 0xb8])]), cut);
    });
  });
  const site = await cutting((socket, cut) =>
    socket.on('error', () => {}).once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of it', cut)));
  const trust = `tls: { ca: "${certificates.caFile}" }`;
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends:
  bytes: { servers: [ "tls://localhost:${bytes}" ], ${trust} }
  frames: { servers: [ "wss://localhost:${frames}" ], ${trust} }
  site: { servers: [ "https://localhost:${site}" ], ${trust} }
routes:
  - { path: /bytes, backend: bytes, encoding: text }
  - { path: /frames, backend: frames }
  - { path: /enforced, backend: frames, enforce: true }
  - { path: /site, backend: site }
`, { folder });
  const cases = [['/bytes', 'all of it', 1000], ['/frames', 'ok', 3000], ['/enforced', 'ok', 3000]];
  for (const [path, text, code] of cases) {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}${path}`);
    const came = [];
    socket.on('message', (data) => came.push(data.toString()));
    await opened(socket);
    socket.send('go');
    assert.equal((await within(20000, `close of ${path}`, once(socket, 'close')))[0], code, path);
    assert.deepEqual(came.join(''), text);
  }
  await gateway.logged((e) => e.event === 'session close' && e.route === '/bytes' && e.why.includes('close_notify'));
  const cut = fetch(`http://127.0.0.1:${gateway.ports[0]}/site`).then((answer) => answer.text());
  await assert.rejects(cut, 'the client notices');
});

test('a site works through the gateway: hashes of all bodies match', async (t) => {
  const folder = temporaryFolder(t);
  const big = crypto.randomBytes(sanitized ? 4 << 20 : 32 << 20);
  const sha = (data) => crypto.createHash('sha256').update(data).digest('hex');
  const site = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://site');
    if (url.pathname === '/big') return response.end(big);
    if (url.pathname === '/chunked') {
      response.write('one ');
      setImmediate(() => response.end('two'));
      return undefined;
    }
    if (url.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      request.on('close', () => response.end());
      return undefined;
    }
    if (url.pathname === '/upload') {
      const hash = crypto.createHash('sha256');
      request.on('data', (data) => hash.update(data)).on('end', () => response.end(hash.digest('hex')));
      return undefined;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
    return response.end(JSON.stringify({ headers: request.headers, url: request.url, method: request.method }));
  });
  const port = await listen(t, site);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { site: { servers: [ "http://127.0.0.1:${port}" ] } }
routes: [ { path: "/*", backend: site } ]
`, { folder });
  const base = `http://127.0.0.1:${gateway.ports[0]}`;
  const get = async (path, options) => {
    const response = await fetch(base + path, options);
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  };
  const seen = JSON.parse((await get('/a?b=c', { headers: { 'x-test': 'yes' } })).body.toString());
  assert.equal(seen.url, '/a?b=c');
  assert.equal(seen.headers['x-test'], 'yes');
  assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(seen.headers.host, `127.0.0.1:${gateway.ports[0]}`);
  assert.deepEqual((await get('/cookies')).headers.getSetCookie(), ['a=1', 'b=2']);
  assert.equal((await get('/chunked')).body.toString(), 'one two');
  assert.equal(sha((await get('/big')).body), sha(big));
  assert.equal((await get('/upload', { method: 'POST', body: big })).body.toString(), sha(big));
  const file = `${folder}/upload`;
  fs.writeFileSync(file, big);
  const curl = start(t, 'curl', ['-s', '--http1.1', '-T', file, '-H', 'Expect: 100-continue', `${base}/upload`]);
  assert.equal(await within(60000, 'curl', curl.exited), 0);
  assert.equal(curl.output, sha(big));

  const events = await fetch(`${base}/events`);
  const { value } = await within(20000, 'the first event', events.body.getReader().read());
  assert.equal(Buffer.from(value).toString(), 'data: first\n\n');
});

test("python's http.server behind the gateway", async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(`${folder}/file.txt`, 'served by python\n');
  const server = start(t, '/usr/bin/python3',
    ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder]);
  await within(20000, 'http.server', new Promise((resolve) => {
    server.stdout.on('data', () => /port \d+/.test(server.output) && resolve());
  }));
  const port = /port (\d+)/.exec(server.output)[1];
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { files: { servers: [ "http://127.0.0.1:${port}" ] } }
routes: [ { path: "/*", backend: files } ]
`, { folder });
  for (let i = 0; i < 3; ++i) {
    const response = await fetch(`http://127.0.0.1:${gateway.ports[0]}/file.txt`);
    assert.equal(await response.text(), 'served by python\n');
  }
  assert.equal((await fetch(`http://127.0.0.1:${gateway.ports[0]}/none`)).status, 404);
});
