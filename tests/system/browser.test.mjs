// Chromium against the gateway: what a page may do on its own origin, on an allowed one and on a foreign one.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { chromium } from 'playwright-core';
import {
  echoServer, listen, makeCertificates, startGateway, tcpServer, temporaryFolder, tlsBlock,
} from './support.mjs';

// Pages of other sites: every host name and path gets the same empty page.
const pageServer = (t) => listen(t, http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'site=1' });
  response.end('<!doctype html><title>page</title>');
}));

// Runs in the page: opens a socket, sends a text, says what came of it.
function exchange([url, protocols, text]) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = 'arraybuffer';
    let opened = false;
    let got = null;
    socket.onopen = () => { opened = true; socket.send(text); };
    socket.onmessage = (event) => {
      got = typeof event.data === 'string' ? event.data : new TextDecoder().decode(event.data);
      socket.close(1000, 'done');
    };
    socket.onclose = (event) => resolve({ opened, got, code: event.code, protocol: socket.protocol });
  });
}

test('pages connect from their own and from allowed origins, and from no others', { timeout: 120000 }, async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder, ['gateway.test']);
  const echo = await echoServer(t);
  const pages = await pageServer(t);
  let backendConnections = 0;
  const counted = await tcpServer(t, (socket) => { backendConnections += 1; socket.pipe(socket); });
  const gateway = await startGateway(t, `
listeners:
  - address: 127.0.0.1:0
  - { address: "127.0.0.1:0", ${tlsBlock(certificates)} }
backends:
  echo: { servers: [ "tcp://127.0.0.1:${echo}" ] }
  counted: { servers: [ "tcp://127.0.0.1:${counted}" ] }
routes:
  - { path: /own, backend: counted, encoding: text }
  - { path: /stats, plugin: stats }
  - path: /shared
    backend: echo
    encoding: text
    subprotocols: [ chat ]
    cors: { allow_origins: [ "http://allowed.test:${pages}" ], allow_credentials: true, allow_headers: [ content-type ], max_age: 1m }
  - path: /api
    plugin: stats
    cors: { allow_origins: [ "http://allowed.test:${pages}" ], allow_credentials: true, allow_headers: [ x-token ], max_age: 1m }
`, { folder });
  const [plain, secure] = gateway.ports;

  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-gpu', '--no-first-run',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  });
  t.after(() => browser.close());
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();

  await t.test('same origin, plain', async () => {
    await page.goto(`http://gateway.test:${plain}/stats`);
    const result = await page.evaluate(exchange, [`ws://gateway.test:${plain}/own`, [], 'Grüße']);
    assert.deepEqual(result, { opened: true, got: 'Grüße', code: 1000, protocol: '' });
    assert.equal(backendConnections, 1);
  });

  await t.test('same origin, TLS', async () => {
    await page.goto(`https://gateway.test:${secure}/stats`);
    const result = await page.evaluate(exchange, [`wss://gateway.test:${secure}/own`, [], 'secret']);
    assert.deepEqual(result, { opened: true, got: 'secret', code: 1000, protocol: '' });
  });

  await t.test('an allowed origin, with cookies and a subprotocol', async () => {
    await context.addCookies([{ name: 'session', value: 'abc', domain: 'gateway.test', path: '/', sameSite: 'Lax' }]);
    await page.goto(`http://allowed.test:${pages}/`);
    const result = await page.evaluate(exchange, [`ws://gateway.test:${plain}/shared`, ['chat', 'other'], 'hi']);
    assert.deepEqual(result, { opened: true, got: 'hi', code: 1000, protocol: 'chat' });
    const cookies = await context.cookies(`http://gateway.test:${plain}/`);
    assert.ok(cookies.some((c) => c.name === 'session'));
    assert.ok(!JSON.stringify(gateway.log).includes('abc'), 'cookies stay out of the log');
  });

  await t.test('a foreign origin is refused before the server is touched', async () => {
    const before = backendConnections;
    await page.goto(`http://foreign.test:${pages}/`);
    for (const path of ['/own', '/shared']) {
      const result = await page.evaluate(exchange, [`ws://gateway.test:${plain}${path}`, [], 'x']);
      assert.deepEqual(result, { opened: false, got: null, code: 1006, protocol: '' });
    }
    assert.equal(backendConnections, before);
  });

  await t.test('preflights answer for what is allowed', async () => {
    const ask = (url) => fetch(url, { headers: { 'x-token': '1' }, credentials: 'include' })
      .then(async (r) => ({ status: r.status, json: typeof (await r.json()) }), (e) => ({ failed: String(e) }));
    await page.goto(`http://allowed.test:${pages}/`);
    assert.deepEqual(await page.evaluate(ask, `http://gateway.test:${plain}/api`), { status: 200, json: 'object' });
    await page.goto(`http://foreign.test:${pages}/`);
    assert.match((await page.evaluate(ask, `http://gateway.test:${plain}/api`)).failed, /Failed to fetch/);
  });
});
