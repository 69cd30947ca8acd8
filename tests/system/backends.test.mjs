// Servers behind the gateway that refuse, do not answer, break the connection, or use TLS.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import fs from 'node:fs';
import WebSocket from 'ws';
import {
  RawClient, echoServer, frame, makeCertificates, start, startGateway, tcpServer, temporaryFolder, unusedPort, within,
} from './support.mjs';

const upgrade = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

async function statusOf(port, path) {
  const client = await RawClient.connect(port);
  client.send(upgrade(path));
  const head = await client.head();
  client.close();
  return Number(head.split(' ')[1]);
}

test('refused is 502, silent is 504, reset is 1011, and the next server is tried', async (t) => {
  const refused = await unusedPort();
  const echo = await echoServer(t);
  const resetting = await tcpServer(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const ending = await tcpServer(t, (socket) => socket.once('data', () => socket.end('goodbye')));
  // A TLS server that never sends anything stalls the connection in the handshake.
  const silent = await tcpServer(t, () => {});
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
backends:
  refused: { servers: [ "tcp://127.0.0.1:${refused}" ] }
  missing: { servers: [ "unix:/nonexistent/upgate.sock" ] }
  unknown: { servers: [ "tcp://name.invalid:80" ] }
  silent: { servers: [ "tls://127.0.0.1:${silent}" ], connect_timeout: 200ms }
  second: { servers: [ "tcp://127.0.0.1:${refused}", "tcp://127.0.0.1:${echo}" ] }
  resetting: { servers: [ "tcp://127.0.0.1:${resetting}" ] }
  ending: { servers: [ "tcp://127.0.0.1:${ending}" ] }
routes:
  - { path: /refused, backend: refused }
  - { path: /missing, backend: missing }
  - { path: /unknown, backend: unknown }
  - { path: /silent, backend: silent }
  - { path: /second, backend: second }
  - { path: /resetting, backend: resetting }
  - { path: /ending, backend: ending }
`);
  const [port] = gateway.ports;
  assert.equal(await statusOf(port, '/refused'), 502);
  assert.equal(await statusOf(port, '/missing'), 502);
  assert.equal(await statusOf(port, '/unknown'), 502);
  assert.equal(await statusOf(port, '/silent'), 504);
  assert.equal(await statusOf(port, '/second'), 101);
  assert.equal(await statusOf(port, '/second'), 101);
  for (const [path, code, payload] of [['/resetting', 1011, ''], ['/ending', 1000, 'goodbye']]) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    let got = '';
    socket.on('message', (data) => { got += data; });
    await within(20000, 'open', once(socket, 'open'));
    socket.send('go');
    const [closeCode] = await within(20000, 'close', once(socket, 'close'));
    assert.equal(closeCode, code, path);
    assert.equal(got, payload);
  }
  const stats = await gateway.stats();
  const outcomes = stats.totals.handshakes;
  assert.equal(outcomes.backend_failed, 3);
  assert.equal(outcomes.backend_timeout, 1);
  assert.equal(outcomes.accepted, 4);
});

test('tls servers are verified, also openssl s_server', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const other = makeCertificates(fs.mkdtempSync(`${folder}/other-`));
  // s_server cannot report the port it bound, so free ports are tried.
  const port = await unusedPort();
  const server = start(t, 'openssl',
    ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', certificates.cert, '-key', certificates.key,
    '-rev', '-servername', 'localhost', '-cert2', certificates.cert, '-key2', certificates.key]);
  await within(20000, 's_server', new Promise((resolve) => {
    server.stdout.on('data', () => server.output.includes('ACCEPT') && resolve());
  }));
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends:
  good: { servers: [ "tls://localhost:${port}" ], tls: { ca: "${certificates.caFile}" } }
  address: { servers: [ "tls://127.0.0.1:${port}" ], tls: { ca: "${certificates.caFile}" } }
  wrong_ca: { servers: [ "tls://localhost:${port}" ], tls: { ca: "${other.caFile}" } }
  system_ca: { servers: [ "tls://localhost:${port}" ] }
  wrong_name: { servers: [ "tls://localhost:${port}" ], tls: { ca: "${certificates.caFile}", server_name: elsewhere.example } }
  unverified: { servers: [ "tls://localhost:${port}" ], tls: { verify: false } }
routes:
${['good', 'address', 'wrong_ca', 'system_ca', 'wrong_name', 'unverified'].map((b) => `  - { path: /${b}, backend: ${b} }`).join('\n')}
`, { folder });
  const [listener] = gateway.ports;
  for (const path of ['/wrong_ca', '/system_ca', '/wrong_name'])
    assert.equal(await statusOf(listener, path), 502, path);
  await gateway.logged((e) => e.event === 'backend failed' && e.why.includes('mismatch'), 'the last failure');
  const why = gateway.log.filter((e) => e.event === 'backend failed').map((e) => e.why).join('\n');
  assert.match(why, /certificate/);
  assert.match(why, /mismatch.*elsewhere\.example/);
  // s_server -rev reverses each line.
  for (const path of ['/good', '/address', '/unverified']) {
    const client = await RawClient.connect(listener);
    client.send(upgrade(path));
    assert.match(await client.head(), /^HTTP\/1\.1 101 /, path);
    client.send(frame(2, 'hello\n'));
    await client.until((c) => c.received.includes('olleh\n'), 'the reversed line');
    client.send(frame(8, '\x03\xe8'));
    await client.end();
    client.close();
  }
});

test('when a client vanishes, its server connection is closed', async (t) => {
  let closed;
  const gone = new Promise((resolve) => { closed = resolve; });
  const port = await tcpServer(t, (socket) => socket.on('end', () => { socket.end(); closed(); }).resume());
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { b: { servers: [ "tcp://127.0.0.1:${port}" ] } }
routes: [ { path: /, backend: b, limits: { close_timeout: 1h } } ]
`);
  const client = await RawClient.connect(gateway.ports[0]);
  client.send(upgrade('/'));
  await client.head();
  client.socket.resetAndDestroy();
  await within(20000, 'the server connection to be closed', gone);
  const line = await gateway.logged((e) => e.event === 'session close', 'the session log line');
  assert.equal(line.code, 1006);
  assert.equal(line.closed_by, 'client');
});

test('unix listeners accept clients', async (t) => {
  const folder = temporaryFolder(t);
  const echo = await echoServer(t);
  const path = `${folder}/upgate.sock`;
  await startGateway(t, `
listeners: [ { address: "unix:${path}" } ]
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes: [ { path: /, backend: echo } ]
`, { folder });
  const socket = net.connect(path);
  await once(socket, 'connect');
  const client = new RawClient(socket);
  client.send(upgrade('/'));
  assert.match(await client.head(), /^HTTP\/1\.1 101 /);
  client.send(frame(2, 'over unix'));
  await client.until((c) => c.received.includes('over unix'), 'the echo');
  client.close();
});
