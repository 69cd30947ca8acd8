// Servers by token: the same token file for Debian's websockify and for the gateway, a real Redis, and an HTTP server.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import WebSocket from 'ws';
import {
  listen, makeCertificates, start, startGateway, temporaryFolder, untilAccepted, unusedPort, within,
} from './support.mjs';

// A server of bytes that says who it is.
async function named(t, name) {
  const server = net.createServer((socket) => {
    server.open.add(socket);
    socket.on('close', () => server.open.delete(socket));
    socket.on('error', () => {});
    socket.write(name);
  });
  server.open = new Set();
  return listen(t, server);
}

// What the server behind a URL says, or the status of the refusal.
async function reach(url) {
  const socket = new WebSocket(url, ['binary']);
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode);
  const said = once(socket, 'message').then(([data]) => String(data));
  const outcome = await within(20000, url, Promise.race([refused, said]));
  socket.on('error', () => {});
  socket.terminate();
  return outcome;
}

// With one loop, because each has answers of its own.
const config = (resolver, options, ports) => `
workers: 1
listeners: [ { address: "127.0.0.1:0" } ]
routes:
  - path: /websockify
    resolver: ${resolver}
    options: { ${options}, allow: [ ${ports.map((port) => `"127.0.0.1:${port}"`).join(', ')} ] }`;

test('a token file, as websockify reads it', async (t) => {
  const folder = temporaryFolder(t);
  const [alice, bob, secret] = [await named(t, 'alice'), await named(t, 'bob'), await named(t, 'secret')];
  const file = path.join(folder, 'tokens');
  fs.writeFileSync(file, `# desktops\nalice: 127.0.0.1:${alice}\nbob:\tlocalhost:${bob}\nother: 127.0.0.1:${secret}\n`);
  const port = await unusedPort();
  start(t, 'websockify', ['--token-plugin', 'TokenFile', '--token-source', file, `127.0.0.1:${port}`]);
  await within(20000, 'websockify to serve', untilAccepted(port));
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
routes:
  - path: /websockify
    resolver: token_file
    options: { file: ${file}, allow: [ "127.0.0.1:${alice}", "localhost:${bob}" ] }`);
  for (const base of [`ws://127.0.0.1:${port}`, `ws://127.0.0.1:${gateway.ports[0]}`]) {
    assert.equal(await reach(`${base}/websockify?token=alice`), 'alice');
    assert.equal(await reach(`${base}/websockify?token=bob`), 'bob');
  }
  const base = `ws://127.0.0.1:${gateway.ports[0]}/websockify`;
  assert.equal(await reach(`${base}?token=nobody`), 404);
  assert.equal(await reach(base), 404);
  assert.equal(await reach(`${base}?token=other`), 502);
  assert.equal(await reach(`${base}?token=..%2f..%2fetc%2fpasswd`), 404);
  assert.equal(await reach(`${base}?token=${'a'.repeat(60000)}`), 404);
  // Read again when it changes.
  fs.writeFileSync(`${file}.new`, `carol: 127.0.0.1:${alice}\n`);
  fs.renameSync(`${file}.new`, file);
  await within(20000, 'the new tokens', (async () => {
    while ((await reach(`${base}?token=carol`)) !== 'alice') await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.equal(await reach(`${base}?token=alice`), 404);
  for (const token of ['alice', 'nobody', 'carol', 'other']) assert.ok(!JSON.stringify(gateway.log).includes(token));
});

test('a real Redis', async (t) => {
  const folder = temporaryFolder(t);
  const [alice, secret] = [await named(t, 'alice'), await named(t, 'secret')];
  const port = await unusedPort();
  const redis = () => start(t, 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '',
    '--dir', folder, '--requirepass', 'hush']);
  const first = redis();
  await within(20000, 'redis to serve', untilAccepted(port));
  const cli = (...words) => execFileSync('redis-cli',
    ['-p', String(port), '-a', 'hush', '--no-auth-warning', '-n', '2', ...words]);
  const fill = () => {
    cli('set', 'vnc:plain', `127.0.0.1:${alice}`);
    cli('set', 'vnc:json', JSON.stringify({ host: '127.0.0.1', port: alice }));
    cli('set', 'vnc:websockify', JSON.stringify({ host: `127.0.0.1:${alice}` }));
    cli('set', 'vnc:forbidden', `127.0.0.1:${secret}`);
    cli('set', 'vnc:lies', '{"host": ["127.0.0.1"], "port": "x"}');
    cli('rpush', 'vnc:list', 'a');
  };
  fill();
  const gateway = await startGateway(t, config('redis',
    `server: "127.0.0.1:${port}", password: hush, database: 2, pattern: "vnc:{token}"`, [alice]));
  const base = `ws://127.0.0.1:${gateway.ports[0]}/websockify?token=`;
  for (const token of ['plain', 'json', 'websockify']) assert.equal(await reach(base + token), 'alice', token);
  assert.equal(await reach(`${base}missing`), 404);
  for (const token of ['forbidden', 'lies', 'list']) assert.equal(await reach(base + token), 502, token);
  // It goes and comes back.
  first.kill('SIGKILL');
  await first.exited;
  assert.equal(await reach(`${base}plain`), 502);
  redis();
  await within(20000, 'redis to serve again', untilAccepted(port));
  fill();
  await within(20000, 'the gateway to reconnect', (async () => {
    while ((await reach(`${base}plain`)) !== 'alice') await new Promise((resolve) => setImmediate(resolve));
  })());
  assert.ok(!JSON.stringify(gateway.log).includes('hush'));
});

test('an HTTP server', async (t) => {
  const [alice, secret] = [await named(t, 'alice'), await named(t, 'secret')];
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    const token = new URL(request.url, 'http://a').searchParams.get('token');
    const targets = { alice, cached: alice, forbidden: secret };
    if (token === 'slow') return;
    if (!(token in targets)) return response.writeHead(404).end();
    if (token === 'cached') response.setHeader('Cache-Control', 'max-age=60');
    response.end(JSON.stringify({ target: `tcp://127.0.0.1:${targets[token]}` }));
  });
  const port = await listen(t, server);
  const gateway = await startGateway(t, config('http',
    `url: "http://127.0.0.1:${port}/ask?token={token}&client={client}", timeout: 500ms`, [alice]));
  const base = `ws://127.0.0.1:${gateway.ports[0]}/websockify?token=`;
  assert.equal(await reach(`${base}alice`), 'alice');
  assert.equal(asked.at(-1), '/ask?token=alice&client=127.0.0.1');
  assert.equal(await reach(`${base}cached`), 'alice');
  const before = asked.length;
  assert.equal(await reach(`${base}cached`), 'alice');
  assert.equal(asked.length, before);
  assert.equal(await reach(`${base}forbidden`), 502);
  assert.equal(await reach(`${base}nobody`), 404);
  assert.equal(await reach(`${base}slow`), 504);
});

test('Redis by TLS', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const alice = await named(t, 'alice');
  const [port, plain] = [await unusedPort(), await unusedPort()];
  start(t, 'redis-server', ['--port', String(plain), '--bind', '127.0.0.1', '--save', '', '--dir', folder,
    '--tls-port', String(port), '--tls-cert-file', certificates.cert, '--tls-key-file', certificates.key,
    '--tls-ca-cert-file', certificates.caFile, '--tls-auth-clients', 'no']);
  await within(20000, 'redis to serve', untilAccepted(port));
  execFileSync('redis-cli', ['-p', String(plain), 'set', 'one', `127.0.0.1:${alice}`]);
  const gateway = await startGateway(t, config('redis',
    `server: "localhost:${port}", tls: { ca: "${certificates.caFile}" }`, [alice]));
  assert.equal(await reach(`ws://127.0.0.1:${gateway.ports[0]}/websockify?token=one`), 'alice');
  const other = await startGateway(t, config('redis', `server: "localhost:${port}", tls: true`, [alice]));
  assert.equal(await reach(`ws://127.0.0.1:${other.ports[0]}/websockify?token=one`), 502);
});
