// The admin address over real sockets: who may use it, what it tells and does, and that its description is right.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { once } from 'node:events';
import WebSocket from 'ws';
import { binary, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';
import { check, checkAnswer, openapi, resolve } from './openapi.mjs';

const listener = 'listeners: [ { address: "127.0.0.1:0" } ]\n';
const local = 'admin: { address: "127.0.0.1:0" }\n';
const rest = `backends: { app: { servers: [ "tcp://127.0.0.1:1" ] } }
routes: [ { path: /echo, plugin: echo }, { path: /app, backend: app } ]
`;
const token = 'a-token-for-the-tests';
const bearer = (text) => ({ Authorization: `Bearer ${text}` });

// One request to the admin address; the test may write any header.
async function ask(gateway, target, { method = 'GET', headers = {}, tls, ...options } = {}) {
  const client = tls ? https : http;
  const request = client.request({
    host: '127.0.0.1', port: gateway.admin, path: target, method, headers, agent: false, ...tls, ...options,
  });
  request.end();
  const [response] = await once(request, 'response');
  response.setEncoding('utf8');
  let body = '';
  for await (const piece of response) body += piece;
  return { status: response.statusCode, headers: response.headers, body };
}

function writeTokens(folder, text, mode = 0o600) {
  const file = path.join(folder, 'tokens');
  fs.writeFileSync(file, text);
  fs.chmodSync(file, mode);
  return file;
}

// Runs `upgate check`.
async function checked(t, folder, yaml) {
  const file = path.join(folder, 'checked.yaml');
  fs.writeFileSync(file, yaml);
  const child = start(t, binary, ['check', '--config', file]);
  return { code: await child.exited, errors: child.errors };
}

test('every answer is as docs/admin-openapi.yaml says', async (t) => {
  const gateway = await startGateway(t, listener + local + rest);
  const call = async (method, target, route = target, options = {}) => {
    const answer = await ask(gateway, target, { method, ...options });
    checkAnswer(method, route, answer);
    return answer;
  };
  for (const target of ['/', '/healthz', '/readyz', '/stats', '/metrics', '/config'])
    assert.equal((await call('GET', target)).status, 200, target);
  assert.equal((await call('POST', '/log?level=info', '/log')).status, 200);
  assert.equal((await call('POST', '/log?level=loud', '/log')).status, 400);
  assert.equal((await call('POST', '/reload')).status, 200);
  fs.appendFileSync(gateway.file, 'nonsense: 1\n');
  assert.equal((await call('POST', '/reload')).status, 422);
  assert.equal((await call('GET', '/stats', '/stats', { headers: { Host: 'evil.example' } })).status, 421);
  assert.equal((await call('GET', '/stats', '/stats', { headers: { Origin: 'http://evil.example' } })).status, 403);
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  await within(20000, 'a handshake', once(socket, 'open'));
  const closed = once(socket, 'close');
  const list = await call('GET', '/sessions?sort=bytes&limit=5', '/sessions');
  const { total, sessions: [{ id }] } = JSON.parse(list.body);
  assert.equal(total, 1);
  assert.equal((await call('GET', `/sessions/${id}`, '/sessions/{id}')).status, 200);
  assert.equal((await call('DELETE', '/sessions?route=/app', '/sessions')).status, 200);
  assert.equal((await call('DELETE', '/sessions', '/sessions')).status, 400);
  assert.equal((await call('DELETE', `/sessions/${id}?code=4001&reason=test`, '/sessions/{id}')).status, 200);
  assert.equal((await within(20000, 'the close', closed))[0], 4001);
  assert.equal((await call('GET', `/sessions/${id}`, '/sessions/{id}')).status, 404);
  for (const what of ['route=/echo', 'server=tcp://127.0.0.1:1']) {
    assert.equal((await call('POST', `/drain?${what}&spread=0s`, '/drain')).status, 200);
    assert.equal((await call('POST', `/undrain?${what}`, '/undrain')).status, 200);
  }
  assert.equal((await call('POST', '/drain?route=/nowhere', '/drain')).status, 404);
  const unknown = await ask(gateway, '/nothing');
  assert.equal(unknown.status, 404);
  check(JSON.parse(unknown.body), openapi.components.schemas.Error);
});

test('the description is complete in itself', () => {
  let references = 0;
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.$ref) {
      resolve(node);
      ++references;
    }
    Object.values(node).forEach(visit);
  };
  visit(openapi);
  assert.ok(references > 50);
});

test('an address that others can reach needs a token', async (t) => {
  const folder = temporaryFolder(t);
  const without = await checked(t, folder, `${listener}admin: { address: "0.0.0.0:0" }\n${rest}`);
  assert.equal(without.code, 1);
  assert.match(without.errors, /admin\.address: '0\.0\.0\.0:0' can be reached from other machines; add token_file/);

  writeTokens(folder, `# for the tests\n${token}\n`, 0o644);
  const yaml = `${listener}admin: { address: "0.0.0.0:0", token_file: tokens, hosts: [ ops.example ] }\n${rest}`;
  const exposed = await checked(t, folder, yaml);
  assert.equal(exposed.code, 0);
  assert.match(exposed.errors, /warning: .*tokens can be read by every user/);
  writeTokens(folder, `# for the tests\n${token}\n`);
  const good = await checked(t, folder, yaml);
  assert.equal(good.code, 0);
  assert.doesNotMatch(good.errors, /tokens/);

  const gateway = await startGateway(t, yaml, { folder });
  const refused = await ask(gateway, '/stats');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers['www-authenticate'], 'Bearer');
  checkAnswer('GET', '/stats', refused);
  for (const wrong of [`${token}x`, token.slice(1), ''])
    assert.equal((await ask(gateway, '/stats', { headers: bearer(wrong) })).status, 401);
  assert.equal((await ask(gateway, '/reload', { method: 'POST' })).status, 401);
  assert.equal((await ask(gateway, '/healthz')).status, 200);
  assert.equal((await ask(gateway, '/stats', { headers: bearer(token) })).status, 200);
  const named = { ...bearer(token), Host: 'ops.example' };
  assert.equal((await ask(gateway, '/stats', { headers: named })).status, 200);
  await gateway.logged((e) => e.event === 'admin client refused' && e.client.startsWith('127.0.0.1:'));
  assert.ok(!JSON.stringify(gateway.log).includes(token.slice(1)), 'a token is in the log');
});

test('a reload reads the tokens again, and takes none from an address that stays open', async (t) => {
  const folder = temporaryFolder(t);
  writeTokens(folder, `${token}\n`);
  const yaml = `${listener}admin: { address: "0.0.0.0:0", token_file: tokens }\n${rest}`;
  const gateway = await startGateway(t, yaml, { folder });
  const reload = (text) => ask(gateway, '/reload', { method: 'POST', headers: bearer(text) });
  const statusOf = async (text) => (await ask(gateway, '/stats', { headers: bearer(text) })).status;

  writeTokens(folder, `${token}-2\n`);
  assert.equal(await statusOf(token), 200);
  assert.equal((await reload(token)).status, 200);
  assert.equal(await statusOf(token), 401);
  assert.equal(await statusOf(`${token}-2`), 200);

  writeTokens(folder, 'too short\n');
  const refused = await reload(`${token}-2`);
  assert.equal(refused.status, 422);
  assert.equal(JSON.parse(refused.body).errors[0].key, 'admin.token_file');
  assert.ok(!refused.body.includes('too short'));
  assert.equal(await statusOf(`${token}-2`), 200);

  // The address that is open was not meant to be without tokens.
  for (const admin of [local, '']) {
    fs.writeFileSync(gateway.file, listener + admin + rest);
    const answer = await reload(`${token}-2`);
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body).needs_restart, ['log.format', 'admin.address']);
    assert.equal((await ask(gateway, '/stats')).status, 401);
    assert.equal(await statusOf(`${token}-2`), 200);
  }
});

test('TLS on the admin address, with certificates that change', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  writeTokens(folder, `${token}\n`);
  const gateway = await startGateway(t, `${listener}admin:
  { address: "0.0.0.0:0", token_file: tokens, ${tlsBlock(certificates)} }\ntls_watch: 1s\n${rest}`, { folder });
  const tls = { ca: certificates.ca };
  assert.ok(gateway.log.find((e) => e.event === 'listening' && e.purpose === 'admin').tls);
  const answer = await ask(gateway, '/stats', { tls, headers: bearer(token) });
  assert.equal(answer.status, 200);
  const same = { ...bearer(token), Origin: `https://127.0.0.1:${gateway.admin}` };
  assert.equal((await ask(gateway, '/stats', { tls, headers: same })).status, 200);

  // Puts others in their place; returns their CA.
  const replace = (name) => {
    const next = path.join(folder, name);
    fs.mkdirSync(next);
    const renewed = makeCertificates(next);
    fs.copyFileSync(renewed.cert, certificates.cert);
    fs.copyFileSync(renewed.key, certificates.key);
    return { ca: renewed.ca };
  };
  const reloaded = replace('reloaded');
  const both = { ca: [tls.ca, reloaded.ca] };
  const taken = await ask(gateway, '/reload', { method: 'POST', tls: both, headers: bearer(token) });
  assert.equal(taken.status, 200);
  assert.deepEqual(JSON.parse(taken.body).changes, [{ what: 'certificate', name: 'admin', change: 'changed' }]);
  await assert.rejects(ask(gateway, '/healthz', { tls }));
  assert.equal((await ask(gateway, '/healthz', { tls: reloaded })).status, 200);

  const lines = gateway.log.length;
  const watched = replace('watched');
  await gateway.logged((e) => e.event === 'certificate renewed' && e.listener === 'admin'
    && gateway.log.indexOf(e) >= lines);
  assert.equal((await ask(gateway, '/healthz', { tls: watched })).status, 200);
});

test('a unix socket needs neither a token nor a name', async (t) => {
  const folder = temporaryFolder(t);
  const socketPath = path.join(folder, 'admin.sock');
  const gateway = await startGateway(t, `${listener}admin: { address: "unix:${socketPath}" }\n${rest}`, { folder });
  const answer = await ask(gateway, '/stats', { socketPath, headers: { Host: 'upgate' } });
  assert.equal(answer.status, 200);
});

test('the running configuration is a configuration that means the same', async (t) => {
  const folder = temporaryFolder(t);
  const yaml = `${listener}${local}backends: { app: { servers: [ "tcp://127.0.0.1:1" ] } }
routes:
  - { path: "/x y", backend: app, limits: { idle: 90s } }
  - { path: /old/*, plugin: redirect, options: { to: "https://me:hunter2@a.example{rest}" } }
`;
  const gateway = await startGateway(t, yaml, { folder });
  const answer = await ask(gateway, '/config');
  assert.match(answer.body, /idle: 90s\n/);
  assert.match(answer.body, /connect_timeout: 3s\n/);
  assert.ok(!answer.body.includes('hunter2'));
  const again = await startGateway(t, answer.body.replace(/^log:\n( .*\n)+/m, ''), { folder: temporaryFolder(t) });
  const masked = (text) => text.replaceAll(/address: .*/g, '');
  assert.equal(masked((await ask(again, '/config')).body), masked(answer.body));
});

test('the level of the log changes until the next reload', async (t) => {
  const gateway = await startGateway(t, listener + local + rest);
  const level = (name) => ask(gateway, `/log?level=${name}`, { method: 'POST' });
  const answer = await level('error');
  assert.deepEqual(JSON.parse(answer.body), { level: 'error' });
  const told = await gateway.logged((e) => e.event === 'log level set' && e.to === 'error');
  assert.match(told.by, /^admin client 127\.0\.0\.1:\d+$/);
  const before = gateway.log.length;
  // At this level a reload says nothing before it has been taken.
  const reload = await ask(gateway, '/reload', { method: 'POST' });
  assert.equal(reload.status, 200);
  await gateway.logged((e) => e.event === 'configuration reloaded');
  assert.ok(!gateway.log.slice(before).some((e) => e.event === 'reload requested'));
});
