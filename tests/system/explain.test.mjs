// upgate explain, compared with the behaviour of the gateway for the same configuration.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {
  RawClient, binary, echoServer, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, within,
} from './support.mjs';

async function explain(t, file, ...args) {
  const child = start(t, binary, ['explain', '--config', file, ...args]);
  const code = await within(30000, 'upgate explain', child.exited);
  return { code, out: child.output, err: child.errors };
}

function configuration(t, yaml) {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file, yaml);
  return file;
}

const key = 'dGhlIHNhbXBsZSBub25jZQ==';

// Sends one request on a new connection; returns the status.
async function statusOf(port, method, target, headers) {
  const client = await RawClient.connect(port);
  client.send(`${method} ${target} HTTP/1.1\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`);
  const head = await client.head();
  client.close();
  return Number(head.split(' ')[1]);
}

test('explain and the gateway agree on route and answer', async (t) => {
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
workers: 1
admin: { address: "127.0.0.1:0" }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes:
  - { path: ~^/a, backend: echo, hosts: [ "*.example.org" ] }
  - { path: /a/*, backend: echo, cors: { allow_origins: [ "https://page.example" ] } }
  - { path: /a/b, backend: echo, subprotocols: [ one, two ] }
  - { path: /echo, plugin: echo, require_origin: true }
  - { path: /numbers, plugin: stats }
`);
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`];
  const hosts = ['a.example', 'x.example.org', '127.0.0.1'];
  const targets = ['/a', '/a/b', '/a/c', '/a/../echo', '/a%2Fb', '/abc', '/echo', '/numbers', '/none',
    '/a?encoding=nonsense'];
  const further = [
    [], ['Origin: https://page.example'], ['Origin: https://evil.example'], ['Sec-WebSocket-Protocol: two'],
    ['Sec-WebSocket-Protocol: three'],
  ];
  let before = (await gateway.stats()).routes.map((r) => r.requests);
  for (const [i, target] of targets.entries()) {
    for (const [j, host] of hosts.entries()) {
      const more = further[(i + j) % further.length];
      for (const scheme of ['ws', 'http']) {
        const headers = [`Host: ${host}`, ...(scheme === 'ws' ? upgrade : []), ...more];
        const status = await statusOf(gateway.ports[0], 'GET', target, headers);
        const after = (await gateway.stats()).routes.map((r) => r.requests);
        const taken = after.findIndex((requests, n) => requests > before[n]);
        before = after;

        const url = `${scheme}://${host}:${gateway.ports[0]}${target}`;
        const told = await explain(t, gateway.file, url, '-H', `Host: ${host}`, ...more.flatMap((h) => ['-H', h]));
        const context = `${scheme} ${host} ${target} ${more}\n${told.out}${told.err}`;
        assert.equal(told.code, taken < 0 ? 1 : 0, context);
        assert.equal(/^route +(?:routes\[(\d+)\]|none)/m.exec(told.out)?.[1] ?? '-1', String(taken), context);
        const answer = /^answer +(\d+)?/m.exec(told.out)?.[1];
        assert.ok(answer === undefined ? status === 200 : Number(answer) === status, `${status}: ${context}`);
      }
    }
  }
});

test('explain names lines, routes that lost, and servers', async (t) => {
  const file = configuration(t, `listeners: [ { address: "0.0.0.0:8080" } ]
backends:
  mqtt: { servers: [ "tcp://127.0.0.1:1883", "unix:/run/mqtt.sock" ] }
  site: { servers: [ "http://127.0.0.1:3000" ], connect_timeout: 1s }
routes:
  - { path: /*, backend: site }
  - path: /mqtt
    backend: mqtt
    subprotocols: [ mqtt ]
    limits: { sessions: 10, idle: 1m }
`);
  const { code, out } = await explain(t, file, 'ws://app.example:8080/mqtt');
  assert.equal(code, 0);
  for (const part of [`routes[1] /mqtt (${file}:7)`, `routes[0] /* (${file}:6)`, 'less specific',
    'tcp://127.0.0.1:1883',
    'unix:/run/mqtt.sock', 'sessions 10', 'idle 1m', 'subprotocols  mqtt', '101']) {
    assert.ok(out.includes(part), `${part} in:\n${out}`);
  }
});

test('explain lists similar routes if none matches', async (t) => {
  const file = configuration(t, `listeners: [ { address: "0.0.0.0:8080" } ]
routes:
  - { path: /mqtt, plugin: echo, hosts: [ app.example ] }
  - { path: /stats, plugin: stats }
`);
  const host = await explain(t, file, 'ws://other.example:8080/mqtt');
  assert.equal(host.code, 1);
  assert.match(host.out, /routes\[0\].*the host does not: it is for app\.example/);
  const path = await explain(t, file, '/statz');
  assert.equal(path.code, 1);
  assert.match(path.out, /routes\[1\].*did you mean this one/);
});

test('explain chooses the listener by the URL', async (t) => {
  const folder = temporaryFolder(t);
  const file = `${folder}/upgate.yaml`;
  fs.writeFileSync(file, `listeners:
  - { address: "127.0.0.1:8080" }
  - { address: "127.0.0.1:8443", ${tlsBlock(makeCertificates(folder))} }
routes: [ { path: /, plugin: echo } ]
`);
  const plain = await explain(t, file, 'ws://a.example:8080/', '-H', 'Origin: https://a.example:8443');
  assert.match(plain.out, /answer +403/);
  const secure = await explain(t, file, 'wss://a.example:8443/', '-H', 'Origin: https://a.example:8443');
  assert.match(secure.out, /127\.0\.0\.1:8443, TLS/);
  assert.match(secure.out, /answer +101/);
});

test('explain exits with 1 for a wrong configuration and with 2 for wrong usage', async (t) => {
  const bad = configuration(t, 'listeners: [ { address: "0.0.0.0:8080" } ]\nroutes: [ { path: /, plugin: ecko } ]\n');
  const wrong = await explain(t, bad, '/');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /upgate\.yaml:2:.*did you mean 'echo'/);
  const good = configuration(t, 'listeners: [ { address: "0.0.0.0:8080" } ]\nroutes: [ { path: /, plugin: echo } ]\n');
  for (const args of [['ftp://a/'], ['mqtt'], ['/', '-H', 'nonsense'], ['/', '-X', 'G T'], ['/', '--from', 'nobody'],
    [], ['/', '--what']]) {
    const { code, out, err } = await explain(t, good, ...args);
    assert.equal(code, 2, `${args}: ${out}${err}`);
    assert.equal(out, '');
    assert.notEqual(err, '');
  }
});

test('the state of the servers comes from the running gateway', async (t) => {
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
workers: 1
admin: { address: "127.0.0.1:0" }
backends:
  echo:
    servers: [ "tcp://127.0.0.1:${echo}", "tcp://localhost:${echo}" ]
    balance: least_sessions
routes: [ { path: /echo, backend: echo } ]
`);
  const ask = () => explain(t, gateway.file, '/echo', '--admin', `127.0.0.1:${gateway.admin}`);
  assert.match((await ask()).out, /^ {2}server +one of the 2 with the fewest sessions for their weight, in turn$/m);
  const drained = start(t, binary, ['drain', '--admin', `127.0.0.1:${gateway.admin}`,
    '--server', `tcp://127.0.0.1:${echo}`]);
  assert.equal(await within(20000, 'upgate drain', drained.exited), 0, drained.errors);
  const { code, out } = await ask();
  assert.equal(code, 0);
  assert.match(out, new RegExp(`tcp://127\\.0\\.0\\.1:${echo}, drained$`, 'm'));
  assert.match(out, new RegExp(`^  server +tcp://localhost:${echo}: the only one that can take clients$`, 'm'));
  const wrong = await explain(t, gateway.file, '/echo', '--admin', `127.0.0.1:${gateway.ports[0]}`);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^upgate explain: /);
});
