// Chromium against the gateway: pages of the gateway's own origin, of an allowed one and of a foreign one.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { launchChromium } from './chromium.mjs';
import {
  echoServer, listen, makeCertificates, startGateway, tcpServer, temporaryFolder, tlsBlock,
} from './support.mjs';

// Pages of other sites: every host name and path returns the same empty page.
const pageServer = (t) => listen(t, http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'site=1' });
  response.end('<!doctype html><title>page</title>');
}));

// Runs in the page: opens a socket, sends a text, returns the outcome.
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

async function launch(t) {
  const browser = await launchChromium('--host-resolver-rules=MAP *.test 127.0.0.1');
  t.after(() => browser.close());
  return browser;
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

  const browser = await launch(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();

  await t.test('same origin, without TLS', async () => {
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

  await t.test('a foreign origin is refused before the server is contacted', async () => {
    const before = backendConnections;
    await page.goto(`http://foreign.test:${pages}/`);
    for (const path of ['/own', '/shared']) {
      const result = await page.evaluate(exchange, [`ws://gateway.test:${plain}${path}`, [], 'x']);
      assert.deepEqual(result, { opened: false, got: null, code: 1006, protocol: '' });
    }
    assert.equal(backendConnections, before);
  });

  await t.test('preflights are answered according to the policy', async () => {
    const ask = (url) => fetch(url, { headers: { 'x-token': '1' }, credentials: 'include' })
      .then(async (r) => ({ status: r.status, json: typeof (await r.json()) }), (e) => ({ failed: String(e) }));
    await page.goto(`http://allowed.test:${pages}/`);
    assert.deepEqual(await page.evaluate(ask, `http://gateway.test:${plain}/api`), { status: 200, json: 'object' });
    await page.goto(`http://foreign.test:${pages}/`);
    assert.match((await page.evaluate(ask, `http://gateway.test:${plain}/api`)).failed, /Failed to fetch/);
  });
});

// Runs in the page: how a session ends, and the data received before.
function ending(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    const sizes = [];
    socket.onmessage = (event) => sizes.push(event.data.length);
    socket.onclose = (event) => resolve({ sizes, code: event.code, clean: event.wasClean });
  });
}

test('a page gets codes that browsers understand when its server fails', { timeout: 120000 }, async (t) => {
  const text = (size, fin = true) => {
    const head = Buffer.from([fin ? 0x81 : 0x01, 126, size >> 8, size & 0xff]);
    return Buffer.concat([head, Buffer.alloc(size, 'x')]);
  };
  const faults = {
    '/large': text(2000),
    '/fragments': Buffer.concat([text(900, false), Buffer.from([0x80, 126, 0x03, 0x84]), Buffer.alloc(900, 'y')]),
    '/masked': Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]),
    '/close': Buffer.from([0x88, 0x02, 0x03, 0xf6]),
  };
  const server = await tcpServer(t, (socket) => {
    let head = '';
    socket.on('data', (data) => {
      if (head.includes('\r\n\r\n')) return;
      head += data.toString('latin1');
      const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1];
      if (!head.includes('\r\n\r\n')) return;
      const accept = crypto.createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      // Some servers send a Content-Length in their 101.
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Content-Length: 0\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol:\r\n\r\n`);
      socket.write(text(500));
      socket.write(faults[/^GET \/(?:enforced|passed)(\/\w+)/.exec(head)[1]]);
    });
    socket.on('end', () => socket.end());
  });
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { live: { servers: [ "ws://127.0.0.1:${server}" ] } }
routes:
  - { path: /stats, plugin: stats }
  - { path: /passed/*, backend: live, limits: { server_message_size: 1000B } }
  - { path: /enforced/*, backend: live, enforce: true, limits: { server_message_size: 1000B } }
`);
  const page = await (await launch(t)).newPage();
  const at = `gateway.test:${gateway.ports[0]}`;
  await page.goto(`http://${at}/stats`);
  for (const kind of ['/passed', '/enforced']) {
    for (const [fault, code] of [['/large', 1009], ['/fragments', 1009], ['/masked', 1011], ['/close', 1011]]) {
      const seen = await page.evaluate(ending, `ws://${at}${kind}${fault}`);
      assert.deepEqual(seen, { sizes: [500], code, clean: true }, kind + fault);
    }
  }
});
