// Certificates are renewed while the gateway serves, over real sockets: as Kubernetes and certbot replace them.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { httpGet, makeCertificates, startGateway, temporaryFolder, within } from './support.mjs';

// Files through a link to a folder, which is replaced as a whole.
class Secret {
  constructor(folder) {
    this.folder = folder;
    this.versions = 0;
    for (const file of ['site.crt', 'site.key']) {
      fs.symlinkSync(`..data/${file}`, path.join(folder, file));
    }
  }
  at(name) { return path.join(this.folder, name); }
  // Makes a certificate for `name`; returns the folder of its files.
  make(name) {
    const version = this.at(`version${++this.versions}`);
    fs.mkdirSync(version);
    makeCertificates(version, [name]);
    return version;
  }
  use(version) {
    fs.symlinkSync(path.basename(version), this.at('..data_tmp'));
    fs.renameSync(this.at('..data_tmp'), this.at('..data'));
  }
}

const yaml = (secret) => `
listeners:
  - address: 127.0.0.1:0
    tls: { certificates: [ { cert: "${secret.at('site.crt')}", key: "${secret.at('site.key')}" } ] }
admin: { address: 127.0.0.1:0 }
tls_watch: 1s
routes: [ { path: /echo, plugin: echo } ]
`;

// A handshake: the names of the certificate, the ticket, and whether that of an earlier one was taken.
async function handshake(port, session) {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, session });
  socket.on('error', () => {});
  const ticket = once(socket, 'session');
  ticket.catch(() => {});
  await within(20000, 'a handshake', once(socket, 'secureConnect'));
  const [received] = await within(20000, 'a session ticket', ticket);
  const names = socket.getPeerCertificate().subjectaltname;
  const reused = socket.isSessionReused();
  socket.destroy();
  return { names, session: received, reused };
}

async function untilServed(port, name) {
  const end = Date.now() + 20000;
  for (;;) {
    const { names } = await handshake(port);
    if (names.includes(`DNS:${name}`)) return;
    assert.ok(Date.now() < end, `${name} is not served; ${names} is`);
    await delay(50);
  }
}

async function echoes(socket, text) {
  const answer = once(socket, 'message');
  socket.send(text);
  const [data] = await within(20000, 'an echo', answer);
  return data.toString();
}

test('a renewed certificate serves new handshakes, and nothing is lost', async (t) => {
  const secret = new Secret(temporaryFolder(t));
  secret.use(secret.make('first.example'));
  const gateway = await startGateway(t, yaml(secret));
  const [port] = gateway.ports;
  const open = new WebSocket(`wss://127.0.0.1:${port}/echo`, { rejectUnauthorized: false });
  await within(20000, 'a session', once(open, 'open'));
  const before = await handshake(port);
  assert.match(before.names, /DNS:first\.example/);

  secret.use(secret.make('second.example'));
  await untilServed(port, 'second.example');
  assert.equal(await echoes(open, 'still here'), 'still here');
  const resumed = await handshake(port, before.session);
  assert.equal(resumed.reused, true, 'tickets of before are taken');
  assert.equal((await handshake(port)).reused, false);

  const line = await gateway.logged((e) => e.event === 'certificate renewed');
  assert.equal(line.listener, '127.0.0.1:0');
  assert.equal(line.file, secret.at('site.crt'));
  const [shown] = (await gateway.stats()).certificates;
  assert.equal(shown.listener, '127.0.0.1:0');
  assert.ok(shown.names.includes('second.example'));
  assert.equal(shown.not_after, line.not_after);
  assert.ok(shown.seconds_left > 0);
  const seconds = Date.parse(shown.not_after) / 1000;
  const { body } = await httpGet(gateway.admin, '/metrics');
  assert.ok(body.includes(
    `upgate_certificate_expiry_seconds{listener="127.0.0.1:0",file="${secret.at('site.crt')}"} ${seconds}\n`,
  ));
  open.close();
  await within(20000, 'the end of the session', once(open, 'close'));
});

test('a certificate that does not fit its key is not taken, until it does', async (t) => {
  const secret = new Secret(temporaryFolder(t));
  const first = secret.make('first.example');
  secret.use(first);
  const gateway = await startGateway(t, yaml(secret));
  const [port] = gateway.ports;
  const next = secret.make('second.example');
  fs.renameSync(path.join(next, 'site.key'), path.join(first, 'site.key'));
  const line = await gateway.logged((e) => e.event === 'certificate not taken');
  assert.equal(line.level, 'warn');
  assert.equal(line.file, secret.at('site.key'));
  assert.match(line.reason, /does not belong to/);
  assert.match((await handshake(port)).names, /DNS:first\.example/);
  fs.renameSync(path.join(next, 'site.crt'), path.join(first, 'site.crt'));
  await untilServed(port, 'second.example');
  const text = gateway.log.map((entry) => JSON.stringify(entry)).join('\n');
  assert.ok(!text.includes('PRIVATE KEY'));
});

test('certificates that expire soon are warned of at the start', async (t) => {
  const secret = new Secret(temporaryFolder(t));
  secret.use(secret.make('first.example'));
  const gateway = await startGateway(t, yaml(secret));
  const line = await gateway.logged((e) => e.event === 'certificate expires soon');
  assert.equal(line.level, 'warn');
  assert.ok([1, 2].includes(line.days_left), 'it is valid for two days');
  assert.equal(line.name, 'localhost');
});

test('a changed configuration file starts a reload where it is watched', async (t) => {
  const folder = temporaryFolder(t);
  const config = (route, watch) => `
log: { format: json, level: debug }
listeners: [ { address: 127.0.0.1:0 } ]
admin: { address: 127.0.0.1:0 }
watch_config: ${watch}
routes: [ { path: /${route}, plugin: echo } ]
`;
  const file = path.join(folder, 'watched.yaml');
  const replace = (text) => {
    fs.writeFileSync(`${file}.new`, text);
    fs.renameSync(`${file}.new`, file);
  };
  replace(config('one', '1s'));
  const gateway = await startGateway(t, '', { folder, args: ['run', '--config', file] });
  replace(config('two', '1s'));
  await gateway.logged((e) => e.event === 'reload requested' && e.by === 'watch_config');
  await gateway.logged((e) => e.event === 'configuration reloaded' && e.generation === 2);
  replace('listeners: 5');
  await gateway.logged((e) => e.event === 'reload refused');
  assert.equal((await gateway.stats()).generation, 2);
  replace(config('three', 0));
  await gateway.logged((e) => e.event === 'configuration reloaded' && e.generation === 3);
  assert.equal(gateway.log.filter((e) => e.event === 'reload requested').length, 3);
});

test('a reload takes renewed files, too, and says whose', async (t) => {
  const secret = new Secret(temporaryFolder(t));
  secret.use(secret.make('first.example'));
  const gateway = await startGateway(t, yaml(secret).replace('tls_watch: 1s', 'tls_watch: 0'));
  const reload = async () => {
    const answer = await fetch(`http://127.0.0.1:${gateway.admin}/reload`, { method: 'POST' });
    return (await answer.json()).changes;
  };
  assert.deepEqual(await reload(), []);
  secret.use(secret.make('second.example'));
  assert.deepEqual(await reload(), [{ what: 'certificate', name: 'listener 127.0.0.1:0', change: 'changed' }]);
  assert.match((await handshake(gateway.ports[0])).names, /second\.example/);
});
