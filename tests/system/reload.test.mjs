// The configuration changes while the gateway serves, over real sockets: what stays, what ends, and what is told.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import tls from 'node:tls';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import {
  RawClient, httpGet, listen, makeCertificates, sanitized, startGateway, temporaryFolder, tlsBlock, unusedPort, within,
} from './support.mjs';

const logging = 'log: { format: json, level: debug }\n';
const admin = 'admin: { address: "127.0.0.1:0" }\n';
const listener = 'listeners: [ { address: "127.0.0.1:0" } ]\n';
const echo = 'routes: [ { path: /echo, plugin: echo } ]\n';

async function post(gateway, target) {
  const response = await fetch(`http://127.0.0.1:${gateway.admin}${target}`, { method: 'POST' });
  return { status: response.status, body: await response.json() };
}

async function reload(gateway, yaml) {
  fs.writeFileSync(gateway.file, logging + yaml);
  return post(gateway, '/reload');
}

async function connect(url, options) {
  const socket = new WebSocket(url, options);
  socket.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: reason.toString() }));
  await within(20000, `a handshake with ${url}`, once(socket, 'open'));
  return socket;
}

// Resolves to what came back.
async function echoes(socket, text) {
  const answer = once(socket, 'message');
  socket.send(text);
  const [data] = await within(20000, 'an echo', answer);
  return data.toString();
}

const changesOf = (answer) => answer.body.changes.map((c) => `${c.what} ${c.name} ${c.change}`);

test('a session whose route, server and listener stay is untouched by any number of reloads', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data.toString())));
  const url = `ws://127.0.0.1:${server.address().port}`;
  const yaml = (n) => `${listener}${admin}
backends: { live: { servers: [ "${url}" ] }, other${n}: { servers: [ "tcp://127.0.0.1:1" ] } }
routes:
  - { path: /${n}, backend: other${n} }
  - { path: /live, backend: live }
  - { path: /echo, plugin: echo }
`;
  const gateway = await startGateway(t, yaml(0));
  const relayed = await connect(`ws://127.0.0.1:${gateway.ports[0]}/live`);
  const served = await connect(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  for (let n = 1; n <= (sanitized ? 10 : 50); ++n) {
    const answer = await reload(gateway, yaml(n));
    assert.equal(answer.status, 200);
    assert.equal(answer.body.generation, n + 1);
    assert.deepEqual(changesOf(answer).sort(), [
      `backend other${n - 1} removed`, `backend other${n} added`, `route /${n - 1} removed`, `route /${n} added`,
      `server other${n - 1} tcp://127.0.0.1:1 removed`, `server other${n} tcp://127.0.0.1:1 added`,
    ].sort());
    assert.equal(await echoes(relayed, `relayed ${n}`), `relayed ${n}`);
    assert.equal(await echoes(served, `served ${n}`), `served ${n}`);
  }
  const stats = await gateway.stats();
  assert.equal(stats.totals.sessions_open, 2);
  assert.equal(gateway.log.filter((e) => e.event === 'session close').length, 0);
  relayed.close();
  served.close();
});

// UPGATE_RELOADS=1000 for the sanitizers.
const kReloads = Number(process.env.UPGATE_RELOADS ?? 30);

const patience = { timeout: 20000 + kReloads * 2000 };
test('reloads under traffic on four loops harm no session that stays', patience, async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data.toString())));
  const url = `ws://127.0.0.1:${server.address().port}`;
  const yaml = (n) => `workers: 4
${listener}${admin}
backends: { live: { servers: [ "${url}" ] }, other${n}: { servers: [ "${url}" ] } }
routes:
  - { path: /live, backend: live }
  - { path: /echo, plugin: echo }
  - { path: /other, backend: other${n}, on_change: close }
`;
  const gateway = await startGateway(t, yaml(0));
  const base = `ws://127.0.0.1:${gateway.ports[0]}`;
  let going = true;

  // Sessions that stay open, each with a message under way at all times.
  const steady = await Promise.all(Array.from({ length: 20 },
    (_, i) => connect(base + (i % 2 ? '/live' : '/echo'))));
  const talks = steady.map(async (socket) => {
    for (let n = 1; going || n < 10; ++n) assert.equal(await echoes(socket, `message ${n}`), `message ${n}`);
  });
  // Sessions that open and close all the time: none of these routes changes.
  let short = 0;
  const visits = ['/live', '/echo', '/live'].map(async (path) => {
    do {
      const socket = await connect(base + path);
      assert.equal(await echoes(socket, 'once'), 'once');
      socket.close(1000);
      assert.equal((await within(20000, 'the close', socket.closed)).code, 1000);
      ++short;
    } while (going);
  });
  // Sessions of a route that each reload changes.
  const ends = new Set();
  const changing = (async () => {
    do {
      const socket = await connect(`${base}/other`);
      if (!going) socket.terminate();  // no reload would end it
      else ends.add((await within(20000, 'the close', socket.closed)).code);
    } while (going);
  })();
  const all = Promise.all([...talks, ...visits]);

  const reloads = (async () => {
    for (let n = 1; n <= kReloads; ++n) {
      const answer = await reload(gateway, yaml(n));
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body.generation, n + 1);
    }
    going = false;
    await all;
    await reload(gateway, yaml(kReloads + 1));  // ends the last session of the changing route
    await changing;
  })();
  await Promise.all([reloads, all, changing]);

  assert.ok(short >= 3, `${short} short sessions`);
  assert.deepEqual([...ends], [1012]);
  assert.ok(steady.every((socket) => socket.readyState === WebSocket.OPEN));
  const settled = async () => {
    while ((await gateway.stats()).totals.sessions_open !== steady.length);
  };
  await within(20000, 'the ends of all others', settled());
  steady.forEach((socket) => socket.close());
});

test('sessions end as on_change says when their route, target, server or listener is gone', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `ws://127.0.0.1:${server.address().port}`;
  const second = await unusedPort();
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" }, { address: "127.0.0.1:${second}" } ]
${admin}
drain_spread: 200ms
backends: { a: { servers: [ "${url}" ] }, b: { servers: [ "${url}" ] } }
routes:
  - { path: /gone, plugin: echo, on_change: close }
  - { path: /drained, plugin: echo }
  - { path: /kept, plugin: echo, on_change: keep }
  - { path: /moved, backend: a, on_change: close }
  - { path: /server, backend: b, on_change: close }
  - { path: /echo, plugin: echo }
`);
  const base = `ws://127.0.0.1:${gateway.ports[0]}`;
  const [gone, drained, kept, moved, ofServer, stays] = await Promise.all(
    ['gone', 'drained', 'kept', 'moved', 'server', 'echo'].map((path) => connect(`${base}/${path}`)));
  const byListener = await connect(`ws://127.0.0.1:${second}/echo`);
  const answer = await reload(gateway, `${listener}${admin}
drain_spread: 200ms
backends: { a: { servers: [ "${url}" ] }, b: { servers: [ "ws://127.0.0.1:1" ] } }
routes:
  - { path: /moved, backend: b, on_change: close }
  - { path: /server, backend: b, on_change: close }
  - { path: /echo, plugin: echo }
`);
  assert.equal(answer.status, 200);
  const changed = { code: 1012, reason: 'the configuration changed' };
  for (const [name, socket] of Object.entries({ gone, drained, moved, ofServer, byListener })) {
    assert.deepEqual(await within(20000, `the end of ${name}`, socket.closed), changed, name);
  }
  assert.equal(await echoes(kept, 'kept'), 'kept');
  assert.equal(await echoes(stays, 'stays'), 'stays');
  await assert.rejects(RawClient.connect(second), { code: 'ECONNREFUSED' });
  assert.match((await httpGet(gateway.ports[0], '/gone')).head, /^HTTP\/1.1 404 /);
  kept.close();
  stays.close();
});

test('a listener can be added, and its sockets serve on every loop', async (t) => {
  const port = await unusedPort();
  const gateway = await startGateway(t, `workers: 3\n${listener}${admin}${echo}`);
  const answer = await reload(gateway, `workers: 3
listeners: [ { address: "127.0.0.1:0" }, { address: "127.0.0.1:${port}" } ]
${admin}${echo}`);
  assert.deepEqual(changesOf(answer), [`listener 127.0.0.1:${port} added`]);
  const sockets = await Promise.all(Array.from({ length: 30 }, () => connect(`ws://127.0.0.1:${port}/echo`)));
  for (const socket of sockets) assert.equal(await echoes(socket, 'x'), 'x');
  for (const socket of sockets) socket.close();
});

test('a reload with an error changes nothing and tells every error', async (t) => {
  const taken = await listen(t, (await import('node:net')).createServer());
  const folder = temporaryFolder(t);
  const gateway = await startGateway(t, `${listener}${admin}${echo}`, { folder });
  const socket = await connect(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  const cases = {
    'broken YAML': ['routes: [', [/^not YAML/]],
    'two unknown keys': [`${listener}${admin}${echo}wrokers: 2\nlgo: 1\n`,
      [/unknown key; did you mean 'workers'/, /unknown key; did you mean 'log'/]],
    'a port that is taken': [
      `listeners: [ { address: "127.0.0.1:0" }, { address: "127.0.0.1:${taken}" } ]\n${admin}${echo}`,
      [/cannot listen: .*in use/]],
    'a certificate that is missing': [
      `listeners: [ { address: "127.0.0.1:0", tls: { certificates: [ { cert: no.crt, key: no.key } ] } } ]
${admin}${echo}`,
      [/no\.crt/, /no\.key/]],
    'options of a plugin': [`${listener}${admin}routes: [ { path: /, plugin: files, options: { root: /no/such } } ]\n`,
      [/\/no\/such/]],
  };
  for (const [name, [yaml, messages]] of Object.entries(cases)) {
    const { status, body } = await reload(gateway, yaml);
    assert.equal(status, 422, name);
    assert.equal(body.ok, false, name);
    assert.equal(body.errors.length, messages.length, `${name}: ${JSON.stringify(body.errors)}`);
    messages.forEach((message, i) => {
      assert.match(body.errors[i].message, message, name);
      assert.equal(body.errors[i].file, gateway.file);
      assert.ok(body.errors[i].line > 0 && body.errors[i].column > 0, name);
    });
    await gateway.logged((e) => e.event === 'reload refused' && messages[0].test(e.why.replace(/^\S+ (\S+: )?/, '')),
      `the error of ${name} in the log`);
  }
  fs.rmSync(gateway.file);
  assert.equal((await post(gateway, '/reload')).status, 422, 'the file is gone');
  assert.equal(await echoes(socket, 'still'), 'still');
  assert.match((await httpGet(gateway.admin, '/metrics')).body, /^upgate_config_generation 1$/m);
  assert.match((await httpGet(gateway.admin, '/metrics')).body, /^upgate_reloads_total\{result="failed"\} 6$/m);
  socket.close();
});

test('SIGHUP reloads, and what needs a restart is said', async (t) => {
  const gateway = await startGateway(t, `workers: 1\n${listener}${admin}${echo}`);
  fs.writeFileSync(gateway.file, `${logging}workers: 2\n${listener}${admin}routes: [ { path: /new, plugin: echo } ]\n`);
  gateway.child.kill('SIGHUP');
  const reloaded = await gateway.logged((e) => e.event === 'configuration reloaded', 'the reload');
  assert.ok(Number.isInteger(reloaded.pause_us));
  await gateway.logged((e) => e.event === 'restart needed' && e.key === 'workers', 'the restart that is needed');
  const socket = await connect(`ws://127.0.0.1:${gateway.ports[0]}/new`);
  assert.equal(await echoes(socket, 'new'), 'new');
  socket.close();
});

test('a changed certificate serves new connections, and open ones stay', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const yaml = `listeners: [ { address: "127.0.0.1:0", ${tlsBlock(certificates)} } ]\n${admin}${echo}`;
  const gateway = await startGateway(t, yaml, { folder });
  const url = `wss://127.0.0.1:${gateway.ports[0]}/echo`;
  const socket = await connect(url, { ca: certificates.ca });
  const serial = async () => {
    const client = tls.connect({ port: gateway.ports[0], host: '127.0.0.1', rejectUnauthorized: false });
    await once(client, 'secureConnect');
    const { serialNumber } = client.getPeerCertificate();
    client.destroy();
    return serialNumber;
  };
  const before = await serial();
  const renewed = makeCertificates(folder);
  assert.equal(await serial(), before);
  assert.equal((await reload(gateway, yaml)).status, 200);
  assert.notEqual(await serial(), before);
  const fresh = await connect(url, { ca: renewed.ca });
  assert.equal(await echoes(fresh, 'fresh'), 'fresh');
  assert.equal(await echoes(socket, 'old'), 'old');
  fresh.close();
  socket.close();
});

test('reloads that are asked for at once are made one after the other', async (t) => {
  const gateway = await startGateway(t, `${listener}${admin}${echo}`);
  const answers = await Promise.all(Array.from({ length: 8 }, () => post(gateway, '/reload')));
  assert.deepEqual(answers.map((a) => a.body.generation).sort((a, b) => a - b), [2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a gateway that stops serves on for its delay, then closes sessions with its code', async (t) => {
  const gateway = await startGateway(t,
    `${listener}${admin}${echo}shutdown: { delay: 1s, spread: 100ms, timeout: 20s, code: 1012 }\n`);
  const socket = await connect(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  assert.equal((await httpGet(gateway.admin, '/readyz')).status, 200);
  gateway.child.kill('SIGTERM');
  await gateway.logged((e) => e.event === 'serving until the delay is over', 'the delay');
  assert.equal((await httpGet(gateway.admin, '/readyz')).status, 503);
  assert.equal((await httpGet(gateway.admin, '/healthz')).status, 200);
  const late = await connect(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  assert.equal(await echoes(late, 'late'), 'late');
  assert.equal((await post(gateway, '/reload')).status, 422, 'a reload while stopping');
  for (const one of [socket, late]) {
    assert.deepEqual(await within(20000, 'the close', one.closed),
      { code: 1012, reason: 'the gateway is shutting down' });
  }
  assert.equal(await within(20000, 'the end', gateway.child.exited), 0);
});
