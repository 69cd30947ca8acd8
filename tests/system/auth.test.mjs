// Who may connect: tokens made by another implementation, keys from a server that rotates them, passwords by curl, and
// sessions that end with their credential.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import WebSocket from 'ws';
import { httpGet, listen, startGateway, temporaryFolder, within } from './support.mjs';

const base64url = (text) => Buffer.from(text).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

const kinds = {
  RS256: { make: ['rsa', { modulusLength: 2048 }], hash: 'sha256', options: {} },
  PS256: {
    make: ['rsa', { modulusLength: 2048 }],
    hash: 'sha256',
    options: { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  },
  ES256: { make: ['ec', { namedCurve: 'P-256' }], hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { make: ['ed25519', {}], hash: null, options: {} },
};

function makeKey(alg, kid) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync(...kinds[alg].make);
  return { alg, kid, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

function sign(key, claims, header = {}) {
  const head = base64url(JSON.stringify({ alg: key.alg, kid: key.kid, ...header }));
  const text = `${head}.${base64url(JSON.stringify(claims))}`;
  const { hash, options } = kinds[key.alg];
  return `${text}.${crypto.sign(hash, Buffer.from(text), { key: key.privateKey, ...options }).toString('base64url')}`;
}

function signSecret(secret, claims, header = { alg: 'HS256' }) {
  const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`;
}

// The open socket, or the status of the refusal.
async function connect(t, url, offers = [], options = {}) {
  const socket = new WebSocket(url, offers, options);
  t.after(() => socket.terminate());
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode);
  refused.catch(() => {});
  const outcome = await within(20000, url, Promise.race([refused, once(socket, 'open').then(() => socket)]));
  socket.on('error', () => {});
  return outcome;
}

const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

test('tokens of every algorithm, and none that is not good', async (t) => {
  const folder = temporaryFolder(t);
  const keys = Object.keys(kinds).map((alg) => makeKey(alg, `key-${alg}`));
  fs.writeFileSync(path.join(folder, 'jwks.json'), JSON.stringify({ keys: keys.map((key) => key.jwk) }));
  const gateway = await startGateway(t, `
listeners: [ { address: 127.0.0.1:0 } ]
auth: { id: { jwt: { keys: jwks.json, issuer: me, audience: [ here ], require: { group: [ a, b ] } } } }
routes: [ { path: /, plugin: echo, auth: id } ]
`, { folder });
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  const good = { iss: 'me', aud: 'here', sub: 'alice', group: 'b', exp: seconds() + 600 };
  for (const key of keys) {
    const socket = await connect(t, url, [], bearer(sign(key, good)));
    assert.ok(socket instanceof WebSocket, `${key.alg}: ${socket}`);
  }
  const [rsa] = keys;
  const stranger = makeKey('RS256', rsa.kid);
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  const token = sign(rsa, good);
  const changed = `.${base64url(JSON.stringify({ ...good, sub: 'bob' }))}.`;
  const bad = {
    'no token': [401, {}],
    expired: [401, bearer(sign(rsa, { ...good, exp: seconds() - 60 }))],
    'not yet valid': [401, bearer(sign(rsa, { ...good, nbf: seconds() + 600 }))],
    'wrong audience': [401, bearer(sign(rsa, { ...good, aud: 'there' }))],
    'wrong issuer': [401, bearer(sign(rsa, { ...good, iss: 'you' }))],
    'wrong key': [401, bearer(sign(stranger, good))],
    'kid with a path': [401, bearer(sign(rsa, good, { kid: '../../../../etc/passwd' }))],
    'public key as a secret': [401, bearer(signSecret(pem, good, { alg: 'HS256', kid: rsa.kid }))],
    none: [401, bearer(`${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(good))}.`)],
    crit: [401, bearer(sign(rsa, good, { crit: ['exp'] }))],
    'changed claims': [401, bearer(token.replace(/\.[^.]+\./, changed))],
    'not in the group': [403, bearer(sign(rsa, { ...good, group: 'c' }))],
  };
  for (const [name, [status, options]] of Object.entries(bad))
    assert.equal(await connect(t, url, [], options), status, name);
  const big = sign(rsa, { ...good, more: 'x'.repeat(30000) });
  assert.equal(await connect(t, url, [], bearer(big)), 401, '30 KB of claims');
  const log = JSON.stringify(gateway.log);
  assert.ok(!log.includes(token.slice(-40)), 'no token in the log');
  assert.ok(log.includes('"user":"alice"'));
});

test('cookie, query and subprotocol: what the server gets', async (t) => {
  const folder = temporaryFolder(t);
  const secret = crypto.randomBytes(32).toString('hex');
  fs.writeFileSync(path.join(folder, 'secret'), secret);
  const seen = [];
  const server = http.createServer((request, response) => {
    seen.push({ url: request.url, ...request.headers });
    response.end('hello');
  });
  const port = await listen(t, server);
  const gateway = await startGateway(t, `
listeners: [ { address: 127.0.0.1:0 } ]
auth: { id: { jwt: { secret_file: secret, from: [ header, "cookie:auth", "query:jwt", "subprotocol:bearer." ] } } }
backends: { web: { servers: [ "http://127.0.0.1:${port}" ] } }
routes:
  - { path: /ws, plugin: echo, subprotocols: [ chat ], auth: id }
  - { path: /*, backend: web, auth: id, request_headers: { set: { X-User: "{user}", X-Group: "{claim.group}" } } }
`, { folder });
  const token = signSecret(secret, { sub: 'alice', group: ['a', 'b'], exp: seconds() + 600 });
  const at = `127.0.0.1:${gateway.ports[0]}`;
  const socket = await connect(t, `ws://${at}/ws`, ['chat', `bearer.${token}`]);
  assert.equal(socket.protocol, 'chat');
  assert.ok((await connect(t, `ws://${at}/ws?jwt=${token}`, ['chat'])) instanceof WebSocket);
  const { body } = await httpGet(gateway.ports[0], `/page?a=1&jwt=${token}&b=2`, 'X-User: root\r\nX_Group: root\r\n');
  assert.equal(body, 'hello');
  assert.equal(seen[0].url, '/page?a=1&b=2');
  assert.equal(seen[0]['x-user'], 'alice');
  assert.equal(seen[0]['x-group'], 'a,b');
  assert.ok(!JSON.stringify(seen[0]).includes('root'));
  await httpGet(gateway.ports[0], '/page', `Cookie: auth=${token}\r\n`);
  assert.equal(seen.length, 2);
  assert.ok(!JSON.stringify(gateway.log).includes(token), 'no token in the log');
});

test('keys from a server that rotates them, and fails', async (t) => {
  let keys = [makeKey('ES256', 'one')];
  let broken = false;
  let asked = 0;
  const server = http.createServer((request, response) => {
    asked += 1;
    if (broken) {
      response.writeHead(302, { Location: '/elsewhere' });
      return response.end();
    }
    response.setHeader('Content-Type', 'application/jwk-set+json');
    return response.end(JSON.stringify({ keys: keys.map((key) => key.jwk) }));
  });
  const port = await listen(t, server);
  const gateway = await startGateway(t, `
workers: 3
listeners: [ { address: 127.0.0.1:0 } ]
auth: { id: { jwt: { keys: "http://127.0.0.1:${port}/jwks" } } }
routes: [ { path: /, plugin: echo, auth: id } ]
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  await gateway.logged((entry) => entry.event === 'key set fetched', 'the keys');
  const first = sign(keys[0], { sub: 'a', exp: seconds() + 600 });
  assert.ok((await connect(t, url, [], bearer(first))) instanceof WebSocket);
  keys = [makeKey('ES256', 'two')];
  const second = sign(keys[0], { sub: 'b', exp: seconds() + 600 });
  assert.equal(await connect(t, url, [], bearer(second)), 401, 'not asked again so soon');
  assert.equal(asked, 1);
  const deadline = Date.now() + 30000;
  let rotated;
  do rotated = await connect(t, url, [], bearer(second)); while (rotated === 401 && Date.now() < deadline);
  assert.ok(rotated instanceof WebSocket, 'asked again for an unknown kid after 10 seconds');
  assert.equal(asked, 2);
  assert.equal(await connect(t, url, [], bearer(first)), 401, 'the old key is gone');
  broken = true;
  assert.ok((await connect(t, url, [], bearer(second))) instanceof WebSocket, 'the keys at hand go on');
});

test('a session ends with its token while it talks, and an operator logs a user out', async (t) => {
  const folder = temporaryFolder(t);
  const secret = crypto.randomBytes(32).toString('hex');
  fs.writeFileSync(path.join(folder, 'secret'), secret);
  const gateway = await startGateway(t, `
listeners: [ { address: 127.0.0.1:0 } ]
admin: { address: 127.0.0.1:0 }
auth: { id: { jwt: { secret_file: secret, leeway: 0s } } }
routes: [ { path: /, plugin: echo, auth: id } ]
`, { folder });
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  const short = await connect(t, url, [], bearer(signSecret(secret, { sub: 'short', exp: seconds() + 3 })));
  short.on('message', () => short.send('more'));
  short.send('first');
  const [code] = await within(20000, 'the close', once(short, 'close'));
  assert.equal(code, 3000);
  const alice = await connect(t, url, [], bearer(signSecret(secret, { sub: 'alice', exp: seconds() + 600 })));
  const bob = await connect(t, url, [], bearer(signSecret(secret, { sub: 'bob', exp: seconds() + 600 })));
  const list = JSON.parse((await httpGet(gateway.admin, '/sessions?user=alice')).body);
  assert.deepEqual(list.sessions.map((session) => session.user), ['alice']);
  const closed = once(alice, 'close');
  const answer = await fetch(`http://127.0.0.1:${gateway.admin}/sessions?user=alice&code=3000`, { method: 'DELETE' });
  assert.equal(answer.status, 200);
  assert.equal((await within(20000, 'the close', closed))[0], 3000);
  assert.equal(bob.readyState, WebSocket.OPEN);
});

test('passwords and static tokens, by curl', async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'users'),
    'alice:$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n');
  fs.writeFileSync(path.join(folder, 'tokens'), 'ci: 0123456789abcdef0123456789abcdef\n');
  const gateway = await startGateway(t, `
listeners: [ { address: 127.0.0.1:0 } ]
admin: { address: 127.0.0.1:0 }
auth: { people: { basic: { file: users } }, programs: { token: { file: tokens } } }
routes: [ { path: /, plugin: stats, auth: [ people, programs ] } ]
`, { folder });
  const url = `http://127.0.0.1:${gateway.ports[0]}/`;
  const status = async (...args) => (await promisify(execFile)('curl',
    ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args, url])).stdout;
  assert.equal(await status('-u', 'alice:open sesame'), '200');
  assert.equal(await status('-u', 'alice:wrong'), '401');
  assert.equal(await status('-H', 'Authorization: Bearer 0123456789abcdef0123456789abcdef'), '200');
  assert.equal(await status('-H', 'Authorization: Bearer 0123456789abcdef0123456789abcdee'), '401');
  assert.equal(await status(), '401');
  const stats = await gateway.stats();
  const [route] = Object.values(stats.routes);
  assert.deepEqual([route.auth.allowed, route.auth.wrong, route.auth.missing], [2, 2, 1]);
  const log = JSON.stringify(gateway.log);
  assert.ok(!log.includes('open sesame') && !log.includes('0123456789abcdef'));
});
