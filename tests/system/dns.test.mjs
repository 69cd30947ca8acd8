// Servers by name, with dnsmasq as the name server: every address of a name is tried, and changes are noticed.
import test from 'node:test';
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import WebSocket from 'ws';
import { start, startGateway, temporaryFolder, within } from './support.mjs';

// Where a server that cannot report its own port can listen. No other process has this loopback address: nothing
// takes the TCP or the UDP port before the server does.
async function ownAddress() {
  const { pid } = process;
  const address = `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;
  for (;;) {
    const tcp = net.createServer().listen(0, address);
    await once(tcp, 'listening');
    const { port } = tcp.address();
    const udp = dgram.createSocket('udp4');
    udp.bind(port, address);
    const free = await Promise.race([once(udp, 'listening').then(() => true), once(udp, 'error').then(() => false)]);
    if (free) await new Promise((resolve) => udp.close(resolve));
    await new Promise((resolve) => tcp.close(resolve));
    if (free) return { address, port };
  }
}

async function startDnsmasq(t, ...records) {
  return runDnsmasq(t, await ownAddress(), records.map((record) => `--host-record=${record}`));
}

async function runDnsmasq(t, { address, port }, options) {
  const child = start(t, '/usr/sbin/dnsmasq', ['--keep-in-foreground', '--log-facility=-', '--log-queries',
    '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--no-poll', `--port=${port}`, '--bind-interfaces',
    `--listen-address=${address}`, '--user=root', '--pid-file',
    ...options]);
  while (!child.errors.includes('started')) {
    const ended = await within(20000, 'dnsmasq', Promise.race([once(child.stderr, 'data').then(() => false),
      child.exited.then(() => true)]));
    assert.ok(!ended, child.errors);
  }
  return { address, port, child };
}

async function echoServer(t, address) {
  const server = net.createServer((socket) => { socket.on('error', () => {}); socket.pipe(socket); });
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address().port;
}

const gatewayTo = (t, dns, target) => startGateway(t, `workers: 1
listeners: [ { address: "127.0.0.1:0" } ]
dns: { servers: [ "${dns.address}:${dns.port}" ] }
backends: { echo: { servers: [ "tcp://${target}" ] } }
routes: [ { path: /echo, backend: echo } ]
`);

async function converse(gateway) {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  await within(20000, 'a handshake', once(socket, 'open'));
  socket.send('hello');
  const [answer] = await within(20000, 'an answer', once(socket, 'message'));
  socket.terminate();
  return String(answer);
}

test('a server is found by name', async (t) => {
  const dns = await startDnsmasq(t, 'app.test,127.0.0.2');
  const gateway = await gatewayTo(t, dns, `app.test:${await echoServer(t, '127.0.0.2')}`);
  assert.equal(await converse(gateway), 'hello');
  assert.equal(await converse(gateway), 'hello');
  assert.equal(dns.child.errors.match(/query\[A\] app\.test /g).length, 1, 'the second was not from the cache');
});

test('an address that refuses leads to the next one', async (t) => {
  const dns = await startDnsmasq(t, 'app.test,127.0.0.3', 'app.test,127.0.0.2');
  const gateway = await gatewayTo(t, dns, `app.test:${await echoServer(t, '127.0.0.2')}`);
  for (let i = 0; i < 3; ++i) assert.equal(await converse(gateway), 'hello');
});

test('a name that is not known is said to be', async (t) => {
  const dns = await startDnsmasq(t, 'app.test,127.0.0.2');
  const gateway = await gatewayTo(t, dns, 'gone.test:1');
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  const [error] = await within(20000, 'a refusal', once(socket, 'error'));
  assert.match(error.message, /502/);
  const line = await gateway.logged((e) => e.event === 'backend failed');
  assert.match(line.why, /resolve gone\.test: /);
});

// ---- names that stand for several servers

// A server whose sessions say which one it is.
async function namedServer(t, address, port = 0) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write(address));
  });
  server.listen(port, address);
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address().port;
}

async function open(gateway) {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/echo`);
  await within(20000, 'a handshake', once(socket, 'open'));
  socket.send('who');
  const [answer] = await within(20000, 'an answer', once(socket, 'message'));
  return { socket, server: String(answer) };
}

const severalFrom = (t, dns, server, { more = '', workers = 2 } = {}) => startGateway(t, `workers: ${workers}
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
dns: { servers: [ "${dns.address}:${dns.port}" ] }
resolve_interval: 1s
drain_spread: 0s
backends: { echo: { servers: [ ${server} ]${more} } }
routes: [ { path: /echo, backend: echo } ]
`);

const urls = async (gateway) => (await gateway.stats()).servers.map((server) => server.url);

test('each address of a name is a server, and changes are noticed', async (t) => {
  const folder = temporaryFolder(t);
  const hosts = path.join(folder, 'hosts');
  fs.writeFileSync(hosts, '127.0.0.2 app.test\n127.0.0.3 app.test\n');
  const dns = await runDnsmasq(t, await ownAddress(), [`--addn-hosts=${hosts}`, '--local-ttl=0']);
  const port = await namedServer(t, '127.0.0.2');
  await namedServer(t, '127.0.0.3', port);
  await namedServer(t, '127.0.0.4', port);
  const named = `{ url: "tcp://app.test:${port}", resolve: each }`;
  const gateway = await severalFrom(t, dns, named, { more: ', on_down: close' });
  assert.deepEqual((await urls(gateway)).sort(), [`tcp://127.0.0.2:${port}`, `tcp://127.0.0.3:${port}`]);
  const sessions = [];
  for (let i = 0; i < 4; ++i) sessions.push(await open(gateway));
  const of = (address) => sessions.filter((session) => session.server === address);
  assert.ok(of('127.0.0.2').length > 0 && of('127.0.0.3').length > 0);
  const closed = Promise.all(of('127.0.0.2').map(({ socket }) => once(socket, 'close')));
  fs.writeFileSync(hosts, '127.0.0.3 app.test\n127.0.0.4 app.test\n');
  dns.child.kill('SIGHUP');
  for (const [code] of await within(30000, 'the sessions of the address', closed)) assert.equal(code, 1012);
  assert.deepEqual((await urls(gateway)).filter((url) => !url.includes('.0.2:')).sort(),
    [`tcp://127.0.0.3:${port}`, `tcp://127.0.0.4:${port}`]);
  const later = [];
  for (let i = 0; i < 4; ++i) later.push(await open(gateway));
  assert.deepEqual([...new Set(later.map((session) => session.server))].sort(), ['127.0.0.3', '127.0.0.4']);
  for (const { socket } of of('127.0.0.3')) assert.equal(socket.readyState, WebSocket.OPEN);
  for (const { socket } of [...sessions, ...later]) socket.terminate();
});

test('SRV records give servers with ports and priorities; without an answer they stay', async (t) => {
  const one = await namedServer(t, '127.0.0.2');
  const two = await namedServer(t, '127.0.0.3');
  const place = await ownAddress();
  const records = (first, second) => ['--host-record=one.test,127.0.0.2', '--host-record=two.test,127.0.0.3',
    `--srv-host=_live._tcp.test,one.test,${one},${first},1`, `--srv-host=_live._tcp.test,two.test,${two},${second},1`];
  const dns = await runDnsmasq(t, place, records(10, 20));
  // Each loop keeps the addresses of names for itself: without name servers, another one would have none.
  const gateway = await severalFrom(t, dns, '"srv+tcp://_live._tcp.test"', { workers: 1 });
  assert.deepEqual((await urls(gateway)).sort(), [`tcp://one.test:${one}`, `tcp://two.test:${two}`].sort());
  for (let i = 0; i < 3; ++i) {
    const { socket, server } = await open(gateway);
    assert.equal(server, '127.0.0.2');
    socket.terminate();
  }
  dns.child.kill('SIGTERM');
  await within(20000, 'the end of dnsmasq', dns.child.exited);
  const line = await gateway.logged((e) => e.event === 'name not looked up');
  assert.match(line.why, /_live\._tcp\.test|name servers/);
  assert.equal((await open(gateway)).server, '127.0.0.2');
  await runDnsmasq(t, place, records(20, 10));
  for (;;) {
    const { socket, server } = await open(gateway);
    socket.terminate();
    if (server === '127.0.0.3') break;
  }
});
