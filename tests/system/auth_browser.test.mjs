// Chromium and tokens: in a cookie, in the query and among the subprotocols; sessions that end with their token or at
// an operator's wish; and the broker of docs/access.md, made from what stands there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from './chromium.mjs';
import { startMosquitto } from './mosquitto.mjs';
import { startGateway, temporaryFolder } from './support.mjs';

const base64url = (text) => Buffer.from(text).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

function sign(secret, claims) {
  const text = `${base64url('{"alg":"HS256"}')}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`;
}

async function openContext(t) {
  const browser = await launchChromium('--host-resolver-rules=MAP *.test 127.0.0.1');
  t.after(() => browser.close());
  return browser.newContext();
}

// Runs in the page: a text there and back.
function exchange([url, protocols]) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    let got = null;
    socket.onopen = () => socket.send('hello');
    socket.onmessage = (event) => { got = event.data; socket.close(1000); };
    socket.onclose = (event) => resolve({ got, code: event.code, protocol: socket.protocol });
  });
}

// Runs in the page: talks without a pause until the socket is closed.
function talk([url, protocols]) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    let messages = 0;
    socket.onopen = () => socket.send('first');
    socket.onmessage = () => { messages += 1; socket.send('more'); };
    socket.onclose = (event) => resolve({ talked: messages > 0, code: event.code });
  });
}

test('pages bring tokens in a cookie, the query and a subprotocol', { timeout: 120000 }, async (t) => {
  const folder = temporaryFolder(t);
  const secret = crypto.randomBytes(32).toString('hex');
  fs.writeFileSync(path.join(folder, 'secret'), secret);
  fs.mkdirSync(path.join(folder, 'page'));
  fs.writeFileSync(path.join(folder, 'page/index.html'), '<!doctype html><title>page</title>');
  const gateway = await startGateway(t, `
listeners: [ { address: 127.0.0.1:0 } ]
admin: { address: 127.0.0.1:0 }
auth:
  id: { jwt: { secret_file: secret, leeway: 0s, from: [ "cookie:token", "query:token", "subprotocol:bearer." ] } }
routes:
  - { path: /ws, plugin: echo, subprotocols: [ chat, mqtt ], auth: id }
  - { path: /*, plugin: files, options: { root: page } }
`, { folder });
  const [port] = gateway.ports;
  const context = await openContext(t);
  const page = await context.newPage();
  await page.goto(`http://gateway.test:${port}/`);
  const url = `ws://gateway.test:${port}/ws`;
  const good = { sub: 'alice', exp: seconds() + 600 };
  const token = sign(secret, good);

  assert.equal((await page.evaluate(exchange, [url, []])).code, 1006, 'no token');
  assert.deepEqual(await page.evaluate(exchange, [`${url}?token=${token}`, []]),
    { got: 'hello', code: 1000, protocol: '' });
  assert.deepEqual(await page.evaluate(exchange, [url, [`bearer.${token}`, 'chat']]),
    { got: 'hello', code: 1000, protocol: 'chat' });
  assert.equal((await page.evaluate(exchange, [url, ['chat', `bearer.${token}x`]])).code, 1006, 'a wrong token');
  await context.addCookies([{ name: 'token', value: token, domain: 'gateway.test', path: '/' }]);
  assert.deepEqual(await page.evaluate(exchange, [url, []]), { got: 'hello', code: 1000, protocol: '' });
  await context.clearCookies();

  const short = sign(secret, { sub: 'bob', exp: seconds() + 4 });
  assert.deepEqual(await page.evaluate(talk, [url, ['mqtt', `bearer.${short}`]]), { talked: true, code: 3000 });

  const talking = [page.evaluate(talk, [url, ['mqtt', `bearer.${token}`]]),
    page.evaluate(talk, [`${url}?token=${token}`, []])];
  const openOf = (id) => gateway.log.filter((entry) => entry.event === 'session open' && entry.user === id).length;
  const before = 3;
  while (openOf('alice') < before + 2) await new Promise((resolve) => setImmediate(resolve));
  const answer = await fetch(`http://127.0.0.1:${gateway.admin}/sessions?user=alice&code=3000`, { method: 'DELETE' });
  assert.equal(answer.status, 200);
  assert.deepEqual((await Promise.all(talking)).map(({ code }) => code), [3000, 3000]);
  assert.ok(!JSON.stringify(gateway.log).includes(token), 'no token in the log');
});

test('the broker of docs/access.md is made from what stands there', { timeout: 120000 }, async (t) => {
  const document = fs.readFileSync(fileURLToPath(new URL('../../docs/access.md', import.meta.url)), 'utf8');
  const section = document.split('## A broker for browsers')[1].split('\n## ')[0];
  const [mosquitto, yaml, script, html] = [...section.matchAll(/```(?:text|sh|html)\n(.*?)```/gs)].map((m) => m[1]);
  const folder = temporaryFolder(t);
  fs.mkdirSync(path.join(folder, 'page'));
  fs.writeFileSync(path.join(folder, 'page/index.html'), html);
  fs.copyFileSync(fileURLToPath(new URL('node_modules/mqtt/dist/mqtt.min.js', import.meta.url)),
    path.join(folder, 'page/mqtt.min.js'));
  fs.writeFileSync(path.join(folder, 'token.sh'), script);
  const token = execFileSync('sh', ['token.sh'], { cwd: folder }).toString().trim();
  const broker = await startMosquitto(t, folder, (port) => mosquitto.replace('1883', port));
  const gateway = await startGateway(t, yaml.replace('127.0.0.1:8080', '127.0.0.1:0').replace('1883', broker),
    { folder });
  const context = await openContext(t);
  const shown = async (hash) => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${gateway.ports[0]}/#${hash}`);
    await page.waitForFunction(() => document.getElementById('log').textContent.includes('\n'));
    return page.textContent('#log');
  };
  assert.equal(await shown(token), 'greetings: hello\n');
  assert.match(await shown(''), /^closed\n/);
  assert.match(await shown(token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))), /^closed\n/);
  assert.equal((await gateway.logged((entry) => entry.event === 'session open', 'a session')).user, 'alice');
});
