// The opening handshake over real sockets, plain and TLS, with clients of every kind.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import WebSocket from 'ws';
import {
  RawClient, echoServer, frame, httpGet, makeCertificates, start, startGateway, temporaryFolder, tlsBlock, within,
} from './support.mjs';

const seed =
  'GET ws://echo.websocket.org/?encoding=text HTTP/1.1\r\n' +
  'Origin: http://websocket.org\r\n' +
  'Cookie: __utma=99as\r\n' +
  'Connection: Upgrade\r\n' +
  'Host: echo.websocket.org\r\n' +
  'Sec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n' +
  'Upgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\n\r\n';

const answer = [
  'HTTP/1.1 101 WebSocket Protocol Handshake',
  'Date: *',
  'Connection: Upgrade',
  'Server: upgate',
  'Upgrade: WebSocket',
  'Access-Control-Allow-Origin: http://websocket.org',
  'Access-Control-Allow-Credentials: true',
  'Sec-WebSocket-Accept: rLHCkw/SKsO9GAH/ZSFhBATDKrU=',
  'Access-Control-Allow-Headers: content-type',
];

async function gatewayWithEcho(t) {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners:
  - address: 127.0.0.1:0
  - { address: "127.0.0.1:0", ${tlsBlock(certificates)} }
admin: { address: "127.0.0.1:0" }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes:
  - path: /
    backend: echo
    cors: { allow_origins: [ "http://websocket.org" ], allow_credentials: true, allow_headers: [ content-type ] }
  - { path: /echo, backend: echo, subprotocols: [ chat ] }
`, { folder });
  return { gateway, certificates, ports: gateway.ports };
}

function checkSeedAnswer(head) {
  const lines = head.trimEnd().split('\r\n');
  assert.equal(lines.length, answer.length, head);
  lines.forEach((line, i) => {
    if (answer[i] === 'Date: *') {
      assert.match(line, /^Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
      assert.ok(Math.abs(Date.parse(line.slice(6)) - Date.now()) < 30000, line);
    } else {
      assert.equal(line, answer[i]);
    }
  });
}

test('the example handshake is answered line by line and text is echoed', async (t) => {
  const { ports, certificates } = await gatewayWithEcho(t);
  for (const secure of [false, true]) {
    for (const bytewise of [false, true]) {
      const client = await RawClient.connect(ports[secure ? 1 : 0],
        { secure, ca: certificates.ca, servername: 'localhost' });
      if (bytewise) await client.sendBytewise(seed);
      else client.send(seed);
      checkSeedAnswer(await client.head());
      client.send(frame(1, 'Hello') + frame(1, ', \xc3\xa9'));
      await client.until((c) => c.received.includes('Hello') && c.received.includes('\xc3\xa9'), 'the echo');
      assert.equal(client.received.charCodeAt(0), 0x81, 'a text frame');
      client.send(frame(8, '\x03\xe8'));
      await client.end();
      assert.ok(client.received.endsWith('\x88\x02\x03\xe8'), 'Close 1000 is answered last');
      client.close();
    }
  }
});

test('npm ws connects, echoes and closes', async (t) => {
  const { ports, certificates, gateway } = await gatewayWithEcho(t);
  const socket = new WebSocket(`wss://localhost:${ports[1]}/echo`, ['other', 'chat'], { ca: certificates.ca });
  await within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
  assert.equal(socket.protocol, 'chat');
  const message = new Promise((resolve) => socket.on('message', (data, binary) => resolve([data.toString(), binary])));
  socket.send('héllo');
  assert.deepEqual(await message, ['héllo', true]);
  const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  socket.close(4001, 'enough');
  assert.equal(await within(20000, 'close', closed), 4001);
  const line = await gateway.logged((e) => e.event === 'session close', 'the session log line');
  assert.equal(line.code, 4001);
  assert.equal(line.why, 'enough');
  assert.equal(line.subprotocol, 'chat');
  assert.equal(line.messages_in, 1);
  const stats = await gateway.stats();
  const route = stats.routes.find((r) => r.name === '/echo');
  assert.equal(route.sessions_total, 1);
});

test('python websockets connects and echoes', async (t) => {
  const { ports } = await gatewayWithEcho(t);
  const client = start(t, '/usr/bin/python3', ['-c', `
import asyncio, websockets
async def main():
    async with websockets.connect("ws://127.0.0.1:${ports[0]}/echo", subprotocols=["chat"], compression=None) as ws:
        await ws.send(b"x" * 100000)
        got = b""
        while len(got) < 100000:
            got += await ws.recv()
        pong = await ws.ping(b"beat")
        await pong
        print(ws.subprotocol, got == b"x" * 100000)
asyncio.run(main())
`]);
  assert.equal(await within(30000, 'the python client', client.exited), 0, client.errors);
  assert.equal(client.output.trim(), 'chat True');
});

test('openssl s_client and curl talk to the TLS listener', async (t) => {
  const { ports, certificates } = await gatewayWithEcho(t);
  for (const version of ['-tls1_2', '-tls1_3']) {
    const client = start(t, 'openssl',
      ['s_client', '-connect', `127.0.0.1:${ports[1]}`, '-servername', 'localhost', version,
      '-alpn', 'http/1.1', '-CAfile', certificates.caFile, '-verify_return_error']);
    client.stdin.write(seed);
    await within(20000, 's_client', new Promise((resolve) => {
      client.stdout.on('data', () => client.output.includes('rLHCkw/SKsO9GAH/ZSFhBATDKrU=') && resolve());
    }));
    assert.match(client.output, /Verify return code: 0|Verification: OK/);
    assert.match(client.output, /ALPN protocol: http\/1\.1/);
    client.kill();
    await client.exited;
  }
  const old = start(t, 'openssl', ['s_client', '-connect', `127.0.0.1:${ports[1]}`, '-tls1_1']);
  assert.notEqual(await within(20000, 's_client TLS 1.1', old.exited), 0);

  const status = execFileSync('curl',
    ['--http1.1', '-s', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', certificates.caFile,
    `https://localhost:${ports[1]}/echo`]).toString();
  assert.equal(status, '426');
});

test('session tickets resume on another connection', async (t) => {
  const { ports, certificates } = await gatewayWithEcho(t);
  const folder = temporaryFolder(t);
  const session = `${folder}/session`;
  const connect = async (...args) => {
    const client = start(t, 'openssl',
      ['s_client', '-connect', `127.0.0.1:${ports[1]}`, '-servername', 'localhost', '-CAfile',
      certificates.caFile, ...args]);
    client.stdin.write('GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await within(20000, 's_client', client.exited);
    return client.output;
  };
  assert.match(await connect('-ign_eof', '-sess_out', session), /New, TLSv1.3/);
  assert.match(await connect('-ign_eof', '-sess_in', session), /Reused, TLSv1.3/);
});

test('the response explains what is wrong with a request, and other clients are still served', async (t) => {
  const { ports, gateway } = await gatewayWithEcho(t);
  const other = new WebSocket(`ws://127.0.0.1:${ports[0]}/echo`);
  await within(20000, 'open', new Promise((resolve) => other.on('open', resolve)));
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const cases = [
    ['GET /echo HTTP/1.1\r\n\r\n', 400],
    ['GET /echo HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
    ['GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['GET /echo HTTP/1.1\nHost: a\n\n', 400],
    ['GET /echo HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n', 400],
    ['GET /echo HTTP/1.1\r\nHost: a\r\n folded: y\r\n\r\n', 400],
    ['GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['GET http://u@a/echo HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['GET http://b/echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['GET http://b/echo HTTP/1.1\r\nHost: a\r\n\r\n', 426],
    [`GET /echo HTTP/1.1\r\nHost: a..\r\n${upgrade}${key}\r\n`, 400],
    ['GET /echo HTTP/3.7\r\nHost: a\r\n\r\n', 505],
    ['nonsense\r\n\r\n', 400],
    [`GET /echo HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70000)}\r\n\r\n`, 431],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(200)}\r\n`, 431],
    ['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello', 400],
    [`POST /echo HTTP/1.1\r\nHost: a\r\n${upgrade}${key}\r\n`, 405],
    ['GET /echo HTTP/1.1\r\nHost: a\r\n\r\n', 426],
    [`GET /echo HTTP/1.0\r\nHost: a\r\n${upgrade}${key}\r\n`, 426],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade.replace('13', '7')}${key}\r\n`, 426],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`, 400],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade}${key}${key}\r\n`, 400],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade}Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n`, 400],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade}${key}Origin: https://evil.example\r\n\r\n`, 403],
    [`GET /echo HTTP/1.1\r\nHost: a\r\n${upgrade}${key}Sec-WebSocket-Protocol: none\r\n\r\n`, 400],
    ['GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n', 404],
  ];
  for (const [request, status] of cases) {
    const client = await RawClient.connect(ports[0]);
    client.send(request);
    const head = await client.head();
    assert.equal(Number(head.split(' ')[1]), status, `${JSON.stringify(request.slice(0, 80))} -> ${head}`);
    const length = Number(/content-length: (\d+)/i.exec(head)[1]);
    assert.ok(length > 5, 'the body has the reason');
    await client.until((c) => c.received.length >= length, 'the body');
    assert.match(head, /content-type: text\/plain/i);
    client.close();
  }
  const echoed = new Promise((resolve) => other.on('message', (data) => resolve(data.toString())));
  other.send('still here');
  assert.equal(await within(20000, 'the echo', echoed), 'still here');
  other.terminate();
  assert.equal((await httpGet(gateway.admin, '/healthz')).status, 200);
  assert.equal((await httpGet(gateway.admin, '/readyz')).status, 200);
  assert.match((await httpGet(gateway.admin, '/metrics')).body, /upgate_\w+_total\{/);
});
