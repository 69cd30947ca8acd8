// Matching and rewriting with real sockets: node's own HTTP server and the ws package as servers and clients.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import {
  binary, listen, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, within,
} from './support.mjs';

// Answers with what it got, as JSON; echoes on WebSockets; switches to "custom" and echoes there.
async function server(t, name) {
  const seen = (request) => ({
    name, method: request.method, url: request.url, headers: request.headers,
  });
  const site = http.createServer((request, response) => {
    response.setHeader('X-Powered-By', 'node');
    response.end(JSON.stringify(seen(request)));
  });
  const sockets = new WebSocketServer({ noServer: true });
  site.on('upgrade', (request, socket, head) => {
    if (request.headers.upgrade === 'custom') {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom\r\n\r\n');
      socket.on('error', () => {});
      return socket.pipe(socket);
    }
    return sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify(seen(request)));
      client.on('message', (data) => client.send(data));
    });
  });
  const port = await listen(t, site);
  t.after(() => site.closeAllConnections());
  return port;
}

// One request; `options` are those of node, with `tls` for https.
function ask(port, path, { tls: secure = false, ...options } = {}) {
  return within(30000, path, new Promise((resolve, reject) => {
    const request = (secure ? https : http).request({
      port, path, host: '127.0.0.1', agent: false, rejectUnauthorized: false, ...options,
    }, (response) => {
      let body = '';
      response.on('data', (data) => (body += data));
      response.on('end', () => resolve({
        status: response.statusCode, headers: response.headers, body,
        seen: body.startsWith('{') ? JSON.parse(body) : undefined,
      }));
    });
    request.on('error', reject);
    request.end();
  }));
}

async function gatewayWith(t, more = '') {
  const folder = temporaryFolder(t);
  const certificate = makeCertificates(folder);
  const [stable, canary] = [await server(t, 'stable'), await server(t, 'canary')];
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, ${tlsBlock(certificate)} }
workers: 1
backends:
  stable: { servers: [ "http://127.0.0.1:${stable}" ] }
  canary: { servers: [ "http://127.0.0.1:${canary}" ] }
  live: { servers: [ "ws://127.0.0.1:${stable}" ] }
routes:
${more}
`, { folder });
  return gateway;
}

test('paths, hosts, queries and headers are rewritten', async (t) => {
  const gateway = await gatewayWith(t, `
  - path: /m/*
    backend: stable
    strip_prefix: /m
    rewrite_host: internal.example
    rewrite_query: { set: { via: "{route}" }, remove: [ debug ] }
    request_headers: { set: { X-Client: "{client}", X-Sni: "{tls.sni}" }, remove: [ X-Secret ] }
    response_headers: { set: { X-Path: "{path}" }, remove: [ X-Powered-By ] }
    name: mounted
  - { path: "~^/u/([^/]+)/(.*)$", backend: stable, rewrite_path: { to: "/users/{capture.1}/{capture.2}" } }`);
  const [plain, secure] = gateway.ports;
  const answer = await ask(secure, '/m/a%20b?x=1&debug=2', {
    tls: true, servername: 'a.example',
    headers: { Host: 'a.example', 'X-Client': 'forged', 'X-Secret': '1' },
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.seen.url, '/a%20b?x=1&via=mounted');
  assert.equal(answer.seen.headers.host, 'internal.example');
  assert.equal(answer.seen.headers['x-forwarded-host'], 'a.example');
  assert.equal(answer.seen.headers['x-client'], '127.0.0.1');
  assert.equal(answer.seen.headers['x-sni'], 'a.example');
  assert.equal(answer.seen.headers['x-secret'], undefined);
  assert.equal(answer.headers['x-path'], '/m/a%20b');
  assert.equal(answer.headers['x-powered-by'], undefined);
  assert.equal((await ask(plain, '/u/ann/c%2Fd')).seen.url, '/users/ann/c%2Fd');
  assert.equal((await ask(plain, '/u/ann/..%2F..%2Fetc')).status, 400);
});

test('WebSockets are rewritten too, with the number of the session', async (t) => {
  const gateway = await gatewayWith(t, `
  - path: /live/*
    backend: live
    strip_prefix: /live
    request_headers: { set: { X-Session: "{session}" } }
    response_headers: { set: { X-Session: "{session}" } }`);
  const client = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/live/room?x`);
  let head;
  client.on('upgrade', (response) => { head = response; });
  const [message] = await within(30000, 'the first message', once(client, 'message'));
  const seen = JSON.parse(message.toString());
  assert.equal(seen.url, '/room?x');
  assert.match(seen.headers['x-session'], /^[0-9]+$/);
  assert.equal(head.headers['x-session'], seen.headers['x-session']);
  const opened = await gateway.logged((entry) => entry.event === 'session open');
  assert.equal(String(opened.id), seen.headers['x-session']);
  client.send('hello');
  assert.equal((await within(30000, 'the echo', once(client, 'message')))[0].toString(), 'hello');
  client.close();
  await once(client, 'close');
});

test('requests are matched by method, header, cookie, query, listener and server name', async (t) => {
  const gateway = await gatewayWith(t, `
  - { path: /*, backend: stable, match: { methods: [ GET, PUT ] } }
  - { path: /*, backend: canary, match: { methods: [ GET ], cookies: { canary: "yes" } } }
  - { path: /*, backend: canary, match: { methods: [ GET ], headers: { X-V: "~^2" }, query: { q: present } } }
  - { path: /sni, backend: canary, match: { tls: { sni: [ b.example ], version: "1.3" } } }
  - { path: /sni, backend: stable }
  - path: /secure
    plugin: redirect
    match: { listeners: [ plain ] }
    options: { to: "https://{host}{uri}" }
  - { path: /secure, backend: stable }`);
  const [plain, secure] = gateway.ports;
  const name = async (...args) => (await ask(...args)).seen?.name;
  assert.equal(await name(plain, '/'), 'stable');
  assert.equal(await name(plain, '/', { headers: { Cookie: 'a=b; canary=yes' } }), 'canary');
  assert.equal(await name(plain, '/?q', { headers: { 'X-V': '21' } }), 'canary');
  assert.equal(await name(plain, '/', { headers: { 'X-V': '21' } }), 'stable');
  const refused = await ask(plain, '/', { method: 'DELETE' });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.allow, 'GET, HEAD, PUT');
  assert.equal(await name(secure, '/sni', { tls: true, servername: 'b.example' }), 'canary');
  assert.equal(await name(secure, '/sni', { tls: true, servername: 'a.example' }), 'stable');
  assert.equal(await name(secure, '/sni', { tls: true, servername: 'b.example', maxVersion: 'TLSv1.2' }), 'stable');
  assert.equal(await name(plain, '/sni'), 'stable');
  const redirected = await ask(plain, '/secure?x', { headers: { Host: 'a.example' } });
  assert.equal(redirected.status, 308);
  assert.equal(redirected.headers.location, 'https://a.example/secure?x');
  assert.equal(await name(secure, '/secure', { tls: true, servername: 'a.example' }), 'stable');
});

test('a client stays on its side of a split', async (t) => {
  const gateway = await gatewayWith(t, `
  - { path: /*, split: [ { backend: stable, weight: 50 }, { backend: canary, weight: 50 } ] }
  - { path: /all, split: [ { backend: stable, weight: 0 }, { backend: canary, weight: 1 } ] }`);
  const names = new Set();
  for (let i = 0; i < 20; i += 1) names.add((await ask(gateway.ports[0], `/${i}`)).seen.name);
  assert.equal(names.size, 1);
  assert.equal((await ask(gateway.ports[0], '/all')).seen.name, 'canary');
  // 127.0.0.2 and the like are other clients.
  const sides = new Set();
  for (let i = 2; i < 40; i += 1)
    sides.add((await ask(gateway.ports[0], '/', { localAddress: `127.0.0.${i}` })).seen.name);
  assert.equal(sides.size, 2);
});

test('a server switches to a protocol that its route allows', async (t) => {
  const gateway = await gatewayWith(t, `
  - { path: /ctl, backend: stable, upgrades: [ custom ] }
  - { path: /none, backend: stable }`);
  const upgrade = (path) => new Promise((resolve, reject) => {
    const request = http.request({
      port: gateway.ports[0], path, agent: false, method: 'POST',
      headers: { Connection: 'Upgrade', Upgrade: 'custom', 'Content-Length': 0 },
    });
    request.on('upgrade', (response, socket) => resolve({ status: response.statusCode, socket }));
    request.on('response', (response) => resolve({ status: response.statusCode }));
    request.on('error', reject);
    request.end();
  });
  const { status, socket } = await within(30000, 'the 101', upgrade('/ctl'));
  assert.equal(status, 101);
  const bytes = Buffer.alloc(1 << 20, 'any bytes \0\xff');
  let size = 0;
  socket.on('data', (data) => { size += data.length; });
  socket.write(bytes);
  socket.end();
  await within(30000, 'the end', once(socket, 'end'));
  assert.equal(size, bytes.length);
  assert.equal((await within(30000, 'the answer', upgrade('/none'))).status, 200);
});

test('explain shows what is rewritten, as the server then gets it', async (t) => {
  const gateway = await gatewayWith(t, `
  - path: /m/*
    backend: stable
    strip_prefix: /m
    match: { methods: [ GET ], listeners: [ plain ] }
    request_headers: { set: { X-Client: "{client}" } }
    response_headers: { remove: [ Server ] }
  - { path: /m/*, backend: canary }`);
  const explain = async (...args) => {
    const child = start(t, binary, ['explain', '--config', gateway.file, ...args]);
    await within(30000, 'upgate explain', child.exited);
    return child.output + child.errors;
  };
  const told = await explain('--client', '192.0.2.7', '/m/x?y');
  assert.match(told, /^route +routes\[0\]/m);
  assert.match(told, /the method is GET/);
  assert.match(told, /it came by the listener plain/);
  assert.match(told, /request +\/x\?y/);
  assert.match(told, /X-Client: 192\.0\.2\.7/);
  assert.match(told, /response +without server/);
  assert.match(told, /goes before +routes\[1\].*fewer conditions/);
  assert.match(await explain('-X', 'PUT', '/m/x'), /not +routes\[0\].*its match does not hold: the method is GET/);
  assert.match(await explain('--listener', 'nowhere', '/m/x'), /neither the name nor the address of a listener/);
  assert.equal((await ask(gateway.ports[0], '/m/x?y')).seen.url, '/x?y');
});
