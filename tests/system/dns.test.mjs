// Servers by name, with dnsmasq as the name server: every address of a name is tried, and changes are noticed.
import test from 'node:test';
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import net from 'node:net';
import { once } from 'node:events';
import WebSocket from 'ws';
import { start, startGateway, within } from './support.mjs';

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
  const { address, port } = await ownAddress();
  const child = start(t, '/usr/sbin/dnsmasq', ['--keep-in-foreground', '--log-facility=-', '--log-queries',
    '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--no-poll', `--port=${port}`, '--bind-interfaces',
    `--listen-address=${address}`, '--user=root', '--pid-file',
    ...records.map((record) => `--host-record=${record}`)]);
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
