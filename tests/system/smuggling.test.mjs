// Request smuggling: messages that one parser takes for one message and another for two. A request of a client must
// reach the server as exactly one request with one plain length, or not at all. A response of a server must reach the
// client as one response, as a 502, or as a broken connection that the client can notice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { answers, ok, passed, refused, smuggled } from './smuggling_cases.mjs';
import { RawClient, startGateway, tcpServer } from './support.mjs';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Parses requests from `bytes` like the strictest of servers; throws on anything that another server might interpret
// differently.
function readRequests(bytes) {
  const requests = [];
  let rest = bytes;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    assert.notEqual(end, -1, `no whole head in ${JSON.stringify(rest.slice(0, 200))}`);
    const lines = rest.slice(0, end).split('\r\n');
    for (const line of lines) assert.doesNotMatch(line, /[\0\r\n\x0b\x0c\x7f]/, 'controls in a head');
    const start = /^([A-Z]+) (\/[!-~]*|\*) HTTP\/1\.1$/.exec(lines[0]);
    assert.ok(start, `request line ${JSON.stringify(lines[0])}`);
    const headers = lines.slice(1).map((line) => {
      const colon = line.indexOf(':');
      assert.match(line.slice(0, colon), token, `field name in ${JSON.stringify(line)}`);
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const all = (name) => headers.filter(([n]) => n === name).map(([, value]) => value);
    assert.equal(all('host').length, 1, 'one Host');
    const lengths = all('content-length');
    const codings = all('transfer-encoding');
    assert.ok(lengths.length + codings.length <= 1, `one length, not ${[...lengths, ...codings]}`);
    rest = rest.slice(end + 4);
    let body = '';
    if (lengths.length === 1) {
      assert.match(lengths[0], /^(0|[1-9][0-9]*)$/);
      assert.ok(rest.length >= Number(lengths[0]), 'the whole body');
      body = rest.slice(0, Number(lengths[0]));
      rest = rest.slice(Number(lengths[0]));
    } else if (codings.length === 1) {
      assert.equal(codings[0], 'chunked');
      for (;;) {
        const chunk = /^([0-9a-f]+)\r\n/i.exec(rest);
        assert.ok(chunk, `chunk size in ${JSON.stringify(rest.slice(0, 50))}`);
        const size = parseInt(chunk[1], 16);
        rest = rest.slice(chunk[0].length);
        if (size === 0) {
          const trailers = /^([^\r\n]+\r\n)*\r\n/.exec(rest);
          assert.ok(trailers, 'the end of the trailers');
          assert.doesNotMatch(trailers[0],
            /^(?:host|content-length|transfer-encoding|connection|authorization|x-forwarded-for):/im);
          rest = rest.slice(trailers[0].length);
          break;
        }
        body += rest.slice(0, size);
        assert.equal(rest.slice(size, size + 2), '\r\n', 'the end of a chunk');
        rest = rest.slice(size + 2);
      }
    }
    requests.push({ method: start[1], target: start[2], headers, body });
  }
  return requests;
}

// Answers every complete request with 200; keeps incomplete or malformed input.
async function recordingServer(t) {
  const server = { connections: [] };
  server.port = await tcpServer(t, (socket) => {
    const connection = { bytes: '', answered: 0, closed: new Promise((resolve) => socket.on('close', resolve)) };
    server.connections.push(connection);
    socket.on('data', (data) => {
      connection.bytes += data.toString('latin1');
      let count;
      try {
        count = readRequests(connection.bytes).length;
      } catch {
        return;
      }
      for (; connection.answered < count; connection.answered += 1)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    socket.on('end', () => socket.end());
  });
  server.received = () => server.connections.map((c) => c.bytes).filter((bytes) => bytes !== '');
  return server;
}

const gatewayTo = (t, port) => startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { site: { servers: [ "http://127.0.0.1:${port}" ], first_byte_timeout: 5s, read_timeout: 5s } }
routes: [ { path: /*, backend: site } ]
`);

// Runs `play` for every row in one segment and, if it is short, byte by byte, several rows at a time. Reports all
// failures at once.
const shortEnough = 3000;
async function forEach(table, play, atOnce) {
  const runs = Object.entries(table).flatMap(([name, row], index) => {
    const bytes = typeof row === 'string' ? row : row.bytes ?? row[0];
    const run = { name, row, bytes, index };
    return bytes.length > shortEnough ? [run] : [run, { ...run, name: `${name}, byte by byte`, bytewise: true }];
  });
  const failures = [];
  const work = runs.values();
  const worker = async () => {
    for (const run of work) {
      await play(run).catch((error) => failures.push(`${run.name}: ${error.message}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) assert.fail(failures.join('\n'));
}

const sendAs = async (client, bytes, bytewise) => (bytewise ? client.sendBytewise(bytes) : client.send(bytes));
const inShort = (text) => JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}...` : text);

test('ambiguous requests are refused, and nothing of them reaches the server', { timeout: 300000 },
  async (t) => {
  const server = await recordingServer(t);
  const gateway = await gatewayTo(t, server.port);
  const played = [];
  await forEach(refused, async ({ name, row, bytes, bytewise }) => {
    const client = await RawClient.connect(gateway.ports[0]);
    const id = played.push({ name, bytes }) - 1;
    await sendAs(client, bytes.replace('/case', `/case-${id}`) + smuggled, bytewise);
    client.socket.end();
    const answer = await client.end();
    const statuses = [row.status ?? 400].flat();
    assert.match(answer, /^HTTP\/1\.1 \d{3} /, inShort(answer));
    assert.ok(statuses.includes(Number(answer.split(' ')[1])), `${statuses}, not ${inShort(answer)}`);
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g).length, 1, `one answer, not ${inShort(answer)}`);
  }, 16);
  // Once the gateway has exited, everything it ever sent has arrived.
  gateway.child.kill('SIGTERM');
  await gateway.child.exited;
  await Promise.all(server.connections.map((c) => c.closed));
  for (const received of server.received()) {
    const { name, bytes } = played[Number(/\/case-(\d+)/.exec(received)[1])];
    // A body may have begun before the error: then the server must see that it is truncated.
    assert.match(bytes, /^POST .*Transfer-Encoding: chunked\r\n\r\n/s, `${name}: ${inShort(received)}`);
    assert.doesNotMatch(received, /smuggled/, name);
    assert.throws(() => readRequests(received), `${name}: looks whole: ${inShort(received)}`);
  }
});

test('unambiguous requests are forwarded', { timeout: 120000 }, async (t) => {
  const server = await recordingServer(t);
  const gateway = await gatewayTo(t, server.port);
  await forEach(passed, async ({ row, bytes, bytewise }) => {
    const client = await RawClient.connect(gateway.ports[0]);
    await sendAs(client, `${bytes}GET /next HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`, bytewise);
    const answer = await client.end();
    const received = server.connections.map((c) => c.bytes);
    // The connections to the server are kept alive; only data of this case counts.
    for (const c of server.connections) Object.assign(c, { bytes: '', answered: 0 });
    // Data after a request for another protocol may belong to that protocol, and is not parsed.
    const target = row.target ?? '/case';
    const targets = row.last ? [target] : [target, '/next'];
    assert.equal(answer.split('HTTP/1.1 200 ').length, targets.length + 1, inShort(answer));
    const requests = received.flatMap(readRequests);
    assert.deepEqual(requests.map((r) => r.target), targets);
    assert.equal(requests[0].body, row.body);
    const values = (name) => requests[0].headers.filter(([n]) => n === name).map(([, value]) => value);
    assert.deepEqual(values('host'), [row.host ?? 's']);
    assert.equal(values('x-forwarded-for').length, 1);
    assert.doesNotMatch(received.join(''), /forged/);
    for (const [name] of requests[0].headers)
      assert.doesNotMatch(name, /_/, 'a name that some servers treat like another');
    for (const name of ['upgrade', 'http2-settings', 'keep-alive', 'proxy-connection'])
      assert.deepEqual(values(name), [], name);
    for (const value of values('connection'))
      assert.doesNotMatch(value, /content-length|transfer|host|upgrade|forwarded/i);
  }, 1);
});

const upgrade = 'GET /ws HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

test('requests after a handshake are not requests', { timeout: 60000 }, async (t) => {
  const server = await recordingServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { site: { servers: [ "http://127.0.0.1:${server.port}" ] } }
routes: [ { path: /ws, plugin: echo }, { path: /*, backend: site } ]
`);
  // Accepted: the bytes after it are a broken frame.
  const accepted = await RawClient.connect(gateway.ports[0]);
  accepted.send(`${upgrade}\r\n${smuggled}`);
  const first = await accepted.end();
  assert.match(first, /^HTTP\/1\.1 101 /);
  assert.equal(first.split('HTTP/1.1 ').length, 2);
  // Refused: the next request is parsed, but the server never sees the handshake.
  const wrong = await RawClient.connect(gateway.ports[0]);
  wrong.send(`${upgrade.replace('Version: 13', 'Version: 7')}\r\n`);
  assert.match(await wrong.head(), /^HTTP\/1\.1 426 /);
  wrong.close();
  // With a body: the handshake is refused, and the body is consumed.
  const body = await RawClient.connect(gateway.ports[0]);
  body.send(`${upgrade}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
  body.socket.end();
  const answer = await body.end();
  assert.match(answer, /^HTTP\/1\.1 4(00|26) /);
  assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g).length, 1);
  assert.deepEqual(server.received(), []);
});

// undefined if the last chunk or the end of the trailers is missing, or if anything follows.
function readChunks(bytes) {
  let body = '';
  for (let rest = bytes; ;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (!line) return undefined;
    const size = parseInt(line[1], 16);
    rest = rest.slice(line[0].length);
    if (size === 0) return /^(?:[^\r\n]+\r\n)*\r\n$/.test(rest) ? body : undefined;
    body += rest.slice(0, size);
    if (rest.slice(size, size + 2) !== '\r\n') return undefined;
    rest = rest.slice(size + 2);
  }
}

// The final response in `bytes`, without 1xx; body is undefined if it is truncated.
function readAnswer(bytes) {
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    assert.notEqual(end, -1, JSON.stringify(bytes));
    const head = rest.slice(0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)[1]);
    rest = rest.slice(end + 4);
    if (status < 200) continue;
    if (status === 204 || status === 304) return { status, body: rest };
    if (/^transfer-encoding: chunked$/im.test(head)) return { status, body: readChunks(rest) };
    assert.equal(head.match(/^content-length:/gim)?.length, 1, 'one length');
    const length = Number(/^content-length: (\d+)$/im.exec(head)[1]);
    return { status, body: rest.length === length ? rest : undefined };
  }
}

test('ambiguous responses reach neither a client nor the next one', { timeout: 300000 },
  async (t) => {
  let answer;
  const port = await tcpServer(t, (socket) => {
    let bytes = '';
    socket.setNoDelay(true);
    socket.on('data', async (data) => {
      bytes += data.toString('latin1');
      if (!bytes.includes('\r\n\r\n')) return;
      const next = bytes.startsWith('GET /next');
      bytes = '';
      if (next) return socket.write(ok('Content-Length: 4\r\n', 'next'));
      const { bytes: all, bytewise } = answer;
      for (const c of bytewise ? all : '') {
        await new Promise((resolve) => socket.write(c, 'latin1', resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end(bytewise ? '' : all, 'latin1');
    });
  });
  const gateway = await gatewayTo(t, port);
  await forEach(answers, async (run) => {
    answer = run;
    const [, status, body] = run.row;
    const client = await RawClient.connect(gateway.ports[0]);
    client.send(`GET /case HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`);
    const got = readAnswer(await client.end());
    assert.equal(got.status, status);
    if (body !== undefined || status < 400) assert.equal(got.body, body);
    const next = await RawClient.connect(gateway.ports[0]);
    next.send(`GET /next HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`);
    assert.equal(readAnswer(await next.end()).body, 'next');
  }, 1);
});
