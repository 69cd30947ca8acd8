// `upgate connect`: programs that speak TCP reach a service behind a WebSocket.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import fs from 'node:fs';
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import {
  binary, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, unusedPort, within,
} from './support.mjs';

// A TCP server that sends everything back, and its FIN after that of the client.
async function echoServer(t) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address().port;
}

async function gatewayTo(t, port, listener = 'address: "127.0.0.1:0"', folder = temporaryFolder(t)) {
  return startGateway(t, `listeners: [ { ${listener} } ]
backends: { echo: { servers: [ "tcp://127.0.0.1:${port}" ] } }
routes: [ { path: /echo, backend: echo, subprotocols: [ binary, base64 ] } ]
`, { folder });
}

// The port that a process with --listen has.
async function listening(child) {
  const line = /listening address="127\.0\.0\.1:(\d+)"/;
  while (!line.test(child.errors)) await within(20000, 'a line', once(child.stderr, 'data'));
  return Number(line.exec(child.errors)[1]);
}

const connect = (t, ...args) => start(t, binary, ['connect', ...args]);

test('standard input and output', async (t) => {
  const gateway = await gatewayTo(t, await echoServer(t));
  const bytes = crypto.randomBytes(3_000_000);
  const child = connect(t, `ws://127.0.0.1:${gateway.ports[0]}/echo`, '-', '--subprotocol', 'binary');
  const pieces = [];
  child.stdout.on('data', (piece) => pieces.push(piece));
  child.stdin.end(bytes);
  assert.equal(await within(60000, 'the end', child.exited), 0, child.errors);
  assert.ok(bytes.equals(Buffer.concat(pieces)), 'other bytes came back');
  assert.equal(child.errors, '');
});

test('the end of the server ends the program, although standard input is open', async (t) => {
  const server = net.createServer((socket) => socket.end('done'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const gateway = await gatewayTo(t, server.address().port);
  const child = connect(t, `ws://127.0.0.1:${gateway.ports[0]}/echo`, '--subprotocol', 'binary');
  assert.equal(await within(20000, 'the end', child.exited), 0, child.errors);
  assert.equal(child.output, 'done');
});

test('a reader of standard output that goes away ends it, too', async (t) => {
  const gateway = await gatewayTo(t, await echoServer(t));
  const child = connect(t, `ws://127.0.0.1:${gateway.ports[0]}/echo`, '--subprotocol', 'binary');
  child.stdin.write('x');
  await within(20000, 'the echo', once(child.stdout, 'data'));
  child.stdout.destroy();
  const timer = setInterval(() => child.stdin.write('y'), 20);
  await within(20000, 'the end', child.exited);
  clearInterval(timer);
  await gateway.logged((e) => e.event === 'session close');
});

test('over TLS, with a certificate that is verified', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const gateway = await gatewayTo(t, await echoServer(t), `address: "127.0.0.1:0", ${tlsBlock(certificates)}`, folder);
  const url = `wss://localhost:${gateway.ports[0]}/echo`;
  const untrusted = connect(t, url, '--subprotocol', 'binary');
  assert.equal(await within(20000, 'the end', untrusted.exited), 1);
  assert.match(untrusted.errors, /^upgate connect: wss:\/\/localhost:\d+\/echo: .+; --ca FILE trusts .+, --insecure /);
  fs.writeFileSync(`${folder}/trusted.pem`, certificates.ca);
  const child = connect(t, url, '--subprotocol', 'binary', '--ca', `${folder}/trusted.pem`);
  child.stdin.end('hello');
  assert.equal(await within(20000, 'the end', child.exited), 0, child.errors);
  assert.equal(child.output, 'hello');
});

test('a local port, whose clients wait for a gateway that comes late', async (t) => {
  const port = await unusedPort();
  const child = connect(t, `ws://127.0.0.1:${port}/echo?token=secret`, '--listen', '127.0.0.1:0',
    '--subprotocol', 'binary', '--timeout', '60s');
  const local = await listening(child);
  const clients = ['one', 'two'].map((text) => {
    const socket = net.connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(text);
    let received = '';
    socket.on('data', (piece) => (received += piece));
    return once(socket, 'end').then(() => { socket.destroy(); return received; });
  });
  await gatewayTo(t, await echoServer(t), `address: "127.0.0.1:${port}"`);
  assert.deepEqual(await within(60000, 'the echoes', Promise.all(clients)), ['one', 'two']);
  child.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', child.exited), 0);
  assert.doesNotMatch(child.errors, /secret/);
});

test('SIGTERM closes open tunnels with 1001', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => server.close());
  const connected = once(server, 'connection');
  const child = connect(t, `ws://127.0.0.1:${server.address().port}/`, '-l', '127.0.0.1:0');
  const socket = net.connect(await listening(child), '127.0.0.1');
  const [webSocket] = await within(20000, 'a WebSocket', connected);
  const closed = once(webSocket, 'close');
  const ended = once(socket, 'close');
  // The server's side is open before the client has read the 101.
  socket.write('ready');
  await within(20000, 'a message', once(webSocket, 'message'));
  socket.resume();
  child.kill('SIGTERM');
  assert.equal((await within(20000, 'a Close', closed))[0], 1001);
  await within(20000, 'the local end', ended);
  assert.equal(await within(20000, 'the end', child.exited), 0);
});

test('what is wrong is said', async (t) => {
  const gateway = await gatewayTo(t, await echoServer(t));
  const url = `ws://127.0.0.1:${gateway.ports[0]}/echo`;
  const wrong = async (code, pattern, ...args) => {
    const child = connect(t, ...args);
    assert.equal(await within(20000, 'the end', child.exited), code, args.join(' '));
    assert.match(child.errors, pattern);
    assert.equal(child.output, '');
  };
  await wrong(2, /must begin with ws:\/\/ or wss:\/\//, 'http://127.0.0.1/');
  await wrong(2, /after the URL comes -/, url, '-', '--listen', '127.0.0.1:0');
  await wrong(2, /Sec-WebSocket-Key is set by the handshake itself/, url, '-H', 'Sec-WebSocket-Key: x');
  await wrong(2, /--timeout: 'soon'/, url, '--timeout', 'soon');
  await wrong(2, /--ca, --cert, --key and --insecure are for wss/, url, '--insecure');
  await wrong(2, /--listen: 'nowhere'/, url, '--listen', 'nowhere');
  await wrong(1, /not 101 but 404 Not Found: no route/, `ws://127.0.0.1:${gateway.ports[0]}/other?token=secret`);
  await wrong(1, /not 101 but 400 Bad Request/, url, '--subprotocol', 'other');
  await wrong(1, new RegExp(`ws://127.0.0.1:\\d+/x: `), `ws://127.0.0.1:${await unusedPort()}/x`);
});
