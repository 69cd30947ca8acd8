// What operators do to a gateway that serves, with its command line and over HTTP.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';
import { binary, start, startGateway, temporaryFolder, unusedPort, within } from './support.mjs';

const admin = 'admin: { address: "127.0.0.1:0" }\n';
const listener = 'listeners: [ { address: "127.0.0.1:0" } ]\nworkers: 2\n';

async function upgate(t, ...args) {
  const child = start(t, binary, args);
  const code = await within(30000, `upgate ${args[0]}`, child.exited);
  return { code, out: child.output, err: child.errors };
}

async function connect(url, ...options) {
  const socket = new WebSocket(url, ...options);
  socket.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: reason.toString() }));
  await within(20000, `a handshake with ${url}`, once(socket, 'open'));
  return socket;
}

async function webSocketServer(t) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  server.taken = 0;
  server.on('connection', () => ++server.taken);
  return { server, url: `ws://127.0.0.1:${server.address().port}` };
}

const addressOf = (gateway) => ['--admin', `127.0.0.1:${gateway.admin}`];

test('sessions are found, closed one by one and by a filter', async (t) => {
  const gateway = await startGateway(t, `${listener}${admin}routes:
  - { path: /echo, plugin: echo, subprotocols: [ chat ] }
  - { path: /other, plugin: echo }
`);
  const at = `ws://127.0.0.1:${gateway.ports[0]}`;
  const where = addressOf(gateway);
  const a = await connect(`${at}/echo`, 'chat');
  const b = await connect(`${at}/echo`);
  const c = await connect(`${at}/other`);
  const listed = await upgate(t, 'sessions', ...where);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /^ID +ROUTE +SERVER +CLIENT +USER +SUBPROTOCOL +AGE +IDLE +IN +OUT +QUEUED +RTT\n/);
  assert.match(listed.out, /\/echo +plugin:echo +127\.0\.0\.1:\d+ +- +chat /);
  assert.match(listed.out, /\n3 of 3 sessions\n$/);

  const found = await upgate(t, 'sessions', ...where, '--subprotocol', 'chat', '--sort', 'age', '--json');
  const { total, sessions, next } = JSON.parse(found.out);
  assert.equal(total, 1);
  assert.equal(next, null);
  assert.match(sessions[0].opened, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const id = String(sessions[0].id);
  const closed = await upgate(t, 'close', ...where, id, '--code', '4000', '--reason', 'enough, Zoë');
  assert.equal(closed.code, 0, closed.err);
  assert.equal(closed.out, `closed ${sessions[0].id}\n`);
  assert.deepEqual(await a.closed, { code: 4000, reason: 'enough, Zoë' });
  const line = await gateway.logged((e) => e.event === 'session close' && e.id === sessions[0].id);
  assert.equal(line.closed_by, 'gateway');
  assert.match(line.why, /^enough, Zo/);

  const many = await upgate(t, 'close', ...where, '--route', '/echo');
  assert.equal(many.out, 'closed 1 sessions\n');
  assert.deepEqual(await b.closed, { code: 1008, reason: 'closed by an operator' });
  const told = await gateway.logged((e) => e.event === 'sessions closed by an operator');
  assert.match(told.by, /^admin client 127\.0\.0\.1:\d+$/);

  const gone = await upgate(t, 'close', ...where, '987654321');
  assert.equal(gone.code, 1);
  assert.match(gone.err, /^upgate close: there is no session 987654321/);
  c.close();
  await c.closed;
});

test('a server is taken out of service and put back', async (t) => {
  const one = await webSocketServer(t);
  const two = await webSocketServer(t);
  const yaml = `${listener}${admin}
backends: { live: { servers: [ "${one.url}", "${two.url}" ] } }
routes: [ { path: /live, backend: live } ]
`;
  const gateway = await startGateway(t, yaml);
  const at = `ws://127.0.0.1:${gateway.ports[0]}/live`;
  const where = addressOf(gateway);
  const sockets = [];
  while (one.server.taken < 2 || two.server.taken < 2) sockets.push(await connect(at));
  const takenBefore = one.server.taken;
  const drained = await upgate(t, 'drain', ...where, '--server', one.url, '--spread', '0s');
  assert.equal(drained.code, 0, drained.err);
  assert.equal(drained.out, `server ${one.url} is drained; sessions to be closed: ${takenBefore}\n`);
  const closes = [];
  await within(20000, 'the closes', new Promise((resolve) => {
    for (const socket of sockets) {
      socket.closed.then((close) => {
        closes.push(close);
        if (closes.length === takenBefore) resolve();
      });
    }
  }));
  for (const close of closes) assert.deepEqual(close, { code: 1012, reason: 'drained by an operator' });
  // A reload that changes the backend changes nothing about that.
  fs.writeFileSync(gateway.file, yaml.replace('live: {', 'live: { connect_timeout: 2s,'));
  const reloaded = await upgate(t, 'reload', ...where);
  assert.equal(reloaded.code, 0, reloaded.err);
  assert.match(reloaded.out, /^configuration 2 serves\nbackend live changed\n/);
  const later = [];
  for (let i = 0; i < 6; ++i) later.push(await connect(at));
  assert.equal(one.server.taken, takenBefore);
  const status = await upgate(t, 'status', ...where);
  assert.match(status.out, /^configuration: 2\nuptime: \d+s\nsessions: \d+\nconnections: \d+\n/);
  assert.ok(status.out.includes(`server ${one.url}: drained\n`), status.out);
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
  assert.ok(metrics.includes(`upgate_drained{what="server",name="${one.url}"} 1\n`));
  const back = await upgate(t, 'undrain', ...where, '--server', one.url);
  assert.equal(back.out, `server ${one.url} is in service again\n`);
  while (one.server.taken === takenBefore) later.push(await connect(at));
  for (const socket of [...sockets, ...later]) socket.terminate();
});

test('a reload that is refused tells every error by its place', async (t) => {
  const port = await unusedPort();
  const yaml = `${listener}admin: { address: "127.0.0.1:${port}" }\nroutes: [ { path: /echo, plugin: echo } ]\n`;
  const gateway = await startGateway(t, yaml);
  fs.writeFileSync(gateway.file, `${yaml.replace('plugin: echo', 'plugin: ecko')}workerz: 3\n`);
  const refused = await upgate(t, 'reload', '--config', gateway.file);
  assert.equal(refused.code, 1);
  assert.equal(refused.out, '');
  const places = refused.err.trim().split('\n').map((l) => l.replace(gateway.file, 'F').replace(/: [^:]*$/, ''));
  assert.deepEqual(places, ['F:4:34: routes[0].plugin', 'F:5:1: workerz']);
  fs.writeFileSync(gateway.file, yaml);
  assert.equal((await upgate(t, 'reload', '--config', gateway.file)).code, 0);
});

test('mistakes on the command line are 2, and what fails is 1', async (t) => {
  const gateway = await startGateway(t, `${listener}${admin}routes: [ { path: /echo, plugin: echo } ]\n`);
  const where = addressOf(gateway);
  const wrong = async (expected, pattern, ...args) => {
    const { code, err } = await upgate(t, ...args);
    assert.equal(code, expected, `${args.join(' ')}: ${err}`);
    assert.match(err, pattern);
  };
  await wrong(2, /--admin ADDRESS or --config FILE/, 'status');
  await wrong(2, /--admin: 'nowhere'/, 'status', '--admin', 'nowhere');
  await wrong(2, /either IDs or/, 'close', ...where);
  await wrong(2, /'x' is not the ID/, 'close', ...where, 'x');
  await wrong(2, /exactly one of/, 'drain', ...where);
  await wrong(2, /exactly one of/, 'drain', ...where, '--route', '/echo', '--server', 'ws://a');
  await wrong(1, /there is no route '\/ecko'; did you mean '\/echo'/, 'drain', ...where, '--route', '/ecko');
  await wrong(1, /limit: '0' is not/, 'sessions', ...where, '--limit', '0');
  await wrong(1, /cannot be sent in a Close/, 'close', ...where, '--route', '/echo', '--code', '1006');
  await wrong(1, new RegExp('127.0.0.1'), 'status', '--admin', `127.0.0.1:${await unusedPort()}`);
  await wrong(1, /token file: \/nowhere: /, 'status', ...where, '--token-file', '/nowhere');
  await wrong(1, /its admin.address is chosen by the system/, 'status', '--config', gateway.file);
});

test('the admin address may be a unix socket', async (t) => {
  const folder = temporaryFolder(t);
  await startGateway(t, `${listener}admin: { address: "unix:${folder}/admin.sock" }
routes: [ { path: /echo, plugin: echo } ]
`, { folder });
  const status = await upgate(t, 'status', '--config', `${folder}/upgate.yaml`);
  assert.equal(status.code, 0, status.err);
  assert.match(status.out, /^configuration: 1\n/);
  assert.equal((await upgate(t, 'sessions', '--admin', `unix:${folder}/admin.sock`)).out, '0 of 0 sessions\n');
});
