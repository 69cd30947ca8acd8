// upgate probe against gateways, HTTP servers, and broken servers.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import {
  binary, echoServer, listen, makeCertificates, start, startGateway, tcpServer, temporaryFolder, tlsBlock, unusedPort,
  within,
} from './support.mjs';

async function probe(t, ...args) {
  const child = start(t, binary, ['probe', ...args]);
  const code = await within(60000, 'upgate probe', child.exited);
  return { code, out: child.output, err: child.errors };
}

// A generous timeout for slow machines. Tests with a shorter one only wait for the timeout itself.
const patiently = (args) => (args.includes('--timeout') ? args : [...args, '--timeout', '50s']);

async function succeeds(t, pattern, ...args) {
  const { code, out, err } = await probe(t, ...patiently(args));
  assert.equal(code, 0, `${args}: ${err}`);
  assert.match(out, pattern);
  assert.match(out, /^ok: [^\n]*\n$/);
  assert.equal(err, '');
}

async function fails(t, pattern, ...args) {
  const { code, out, err } = await probe(t, ...patiently(args));
  assert.equal(code, 1, `${args}: ${out}${err}`);
  assert.equal(out, '');
  assert.match(err, /^[^\n]+\n$/);
  assert.match(err, pattern);
}

// Answers every handshake with `head(accept)`, and ignores the rest.
const handshakes = (t, head) => tcpServer(t, (socket) => {
  let request = '';
  socket.on('data', (data) => {
    if (request.endsWith('\r\n\r\n')) return;
    request += data.toString('latin1');
    if (!request.endsWith('\r\n\r\n')) return;
    const key = /Sec-WebSocket-Key: (\S+)/.exec(request)?.[1];
    socket.write(head(createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')));
  });
});
const switching = (accept) =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`;

test('probe of a gateway, plain and over TLS', async (t) => {
  const echo = await echoServer(t);
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" }, { address: "127.0.0.1:0", ${tlsBlock(certificates)} } ]
workers: 1
admin: { address: "127.0.0.1:0" }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] }, gone: { servers: [ "tcp://127.0.0.1:${await unusedPort()}" ] } }
routes:
  - { path: /tcp, backend: echo, subprotocols: [ mqtt ], limits: { close_timeout: 100ms } }
  - { path: /echo, plugin: echo, hosts: [ a.example, 127.0.0.1, localhost ] }
  - { path: /host, plugin: echo, hosts: [ b.example ] }
  - { path: /gone, backend: gone }
`, { folder });
  const [plain, secure] = gateway.ports;
  await succeeds(t, /^ok: 101 in \d+ ms, pong in \d+ ms/, `ws://127.0.0.1:${plain}/echo`);
  await succeeds(t, /101 in \d+ ms, subprotocol mqtt, pong/, `ws://localhost:${plain}/tcp`, '--subprotocol', 'mqtt');
  await fails(t, /: not 101 but 400 Bad Request: none of the requested subprotocols/, `ws://127.0.0.1:${plain}/tcp`,
    '--subprotocol', 'other');
  await fails(t, /: not 101 but 404 Not Found: no route/, `ws://127.0.0.1:${plain}/none`);
  await fails(t, /: not 101 but 502 Bad Gateway: /, `ws://127.0.0.1:${plain}/gone`);
  await fails(t, /403 Forbidden: the origin 'https:\/\/evil\.example'/, `ws://127.0.0.1:${plain}/echo`, '-H',
    'Origin: https://evil.example');
  await succeeds(t, /101/, `ws://127.0.0.1:${plain}/host`, '--host', 'b.example');
  await succeeds(t, /^ok: 200 in \d+ ms\n$/, `http://127.0.0.1:${gateway.admin}/healthz`);

  const url = `wss://localhost:${secure}/echo`;
  await fails(t, /certificate.*; --ca FILE .*--insecure/, url);
  await succeeds(t, /pong/, url, '--ca', certificates.caFile);
  await succeeds(t, /pong/, url, '--insecure');
  // The certificate is for a.example and 127.0.0.1, too, but not for other names.
  await succeeds(t, /pong/, `wss://127.0.0.1:${secure}/echo`, '--ca', certificates.caFile, '--host', 'a.example');
  await fails(t, /c\.example/, `wss://127.0.0.1:${secure}/echo`, '--ca', certificates.caFile, '--host', 'c.example');
  await fails(t, /does not speak TLS/, `wss://127.0.0.1:${plain}/echo`);
  await fails(t, /no-such-file/, url, '--ca', `${folder}/no-such-file`);

  // Every session was closed cleanly.
  await gateway.logged((e) => e.event === 'session close');
  const codes = gateway.log.filter((e) => e.event === 'session close').map((e) => e.code);
  assert.ok(codes.length > 0 && codes.every((code) => code === 1000), `${codes}`);
});

test('probe of a WebSocket server', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.on('listening', resolve));
  t.after(() => server.close());
  const closed = new Promise((resolve) => server.on('connection', (socket) => {
    socket.send('welcome');
    socket.on('close', resolve);
  }));
  await succeeds(t, /pong in \d+ ms\n$/, `ws://127.0.0.1:${server.address().port}/`);
  assert.equal(await closed, 1000);
});

test('probe of HTTP servers', async (t) => {
  const port = await listen(t, http.createServer((request, response) => {
    const status = Number(request.url.slice(1));
    response.writeHead(status, { 'X-Host': request.headers.host })
      .end(status === 503 ? 'database is away\nand more\n' : '');
  }));
  for (const status of [200, 204, 302])
    await succeeds(t, new RegExp(`ok: ${status} in`), `http://127.0.0.1:${port}/${status}`);
  await fails(t, /\/503: 503 Service Unavailable: database is away\n$/, `http://127.0.0.1:${port}/503`);
  await fails(t, /\/404: 404 Not Found\n$/, `http://127.0.0.1:${port}/404`);
  await fails(t, /not 101 but 200 OK/, `ws://127.0.0.1:${port}/200`);
});

test('probe reports what is wrong with a server', async (t) => {
  await fails(t, /connection refused/, `ws://127.0.0.1:${await unusedPort()}/`);
  await fails(t, /no-such-host\.invalid/, 'ws://no-such-host.invalid/');
  const wrong = await handshakes(t, () => switching('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
  await fails(t, /wrong handshake: .*Sec-WebSocket-Accept/, `ws://127.0.0.1:${wrong}/`);
  const deaf = await handshakes(t, switching);
  const silent = await tcpServer(t, (socket) => socket.resume());
  await Promise.all([
    fails(t, /101 in \d+ ms, but no pong within 4s/, `ws://127.0.0.1:${deaf}/`, '--timeout', '4s'),
    fails(t, /connected, but no answer within 4s/, `ws://127.0.0.1:${silent}/`, '--timeout', '4s'),
    fails(t, /connected, but no answer within 4s/, `http://127.0.0.1:${silent}/`, '--timeout', '4s'),
    fails(t, /no connection within 4s/, `wss://127.0.0.1:${silent}/`, '--timeout', '4s'),
  ]);
  const rude = await tcpServer(t, (socket) => socket.end());
  await fails(t, /: ./, `ws://127.0.0.1:${rude}/`);
});

test('probe rejects wrong usage', async (t) => {
  const url = 'ws://127.0.0.1:1/';
  for (const args of [[], ['/path'], ['tcp://127.0.0.1:1'], [url, '--timeout', '5'], [url, '--timeout', '0s'],
    [url, '-H', 'nonsense'],
    [url, '-H', 'Sec-WebSocket-Key: x'], [url, '-H', 'Connection: close'], [url, '-H', 'Sec-WebSocket-Protocol: a'],
    [url, '--subprotocol', 'a b'], [url, '--insecure'], [url, '--host', 'a b'],
    ['http://127.0.0.1:1/', '--subprotocol', 'a'], [url, url]]) {
    const { code, out, err } = await probe(t, ...args);
    assert.equal(code, 2, `${args}: ${out}${err}`);
    assert.notEqual(err, '');
  }
});
