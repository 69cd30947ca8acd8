// Requests and answers that one reader takes for one message and another for two. Whatever a client sends reaches the server as
// exactly one request with one plain length, or not at all; whatever a server sends reaches the client as one answer, or as a 502
// or a cut that the client can notice.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { RawClient, startGateway, tcpServer } from './support.mjs';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Takes requests off `bytes` as the strictest of servers would; throws at what any other server might read in another way.
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

// Answers every whole request with 200; what cannot be read yet, or ever, waits.
async function recordingServer(t) {
  const server = { connections: [] };
  server.port = await tcpServer(t, (socket) => {
    const connection = { bytes: '', answered: 0, closed: once(socket, 'close') };
    server.connections.push(connection);
    socket.on('data', (data) => {
      connection.bytes += data.toString('latin1');
      let count;
      try {
        count = readRequests(connection.bytes).length;
      } catch {
        return;
      }
      for (; connection.answered < count; connection.answered += 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    socket.on('end', () => socket.end());
  });
  server.received = () => server.connections.map((c) => c.bytes).filter((bytes) => bytes !== '');
  return server;
}

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n';
const post = (fields, body = '') => `POST /case HTTP/1.1\r\nHost: s\r\n${fields}\r\n${body}`;
const get = (fields) => `GET /case HTTP/1.1\r\nHost: s\r\n${fields}\r\n`;
const chunkedSmuggled = `0\r\n\r\n${smuggled}`;

// Refused: a complete 4xx or 5xx, the end of the connection, and not a byte at the server.
const refused = {
  'Content-Length, then chunked': post('Content-Length: 44\r\nTransfer-Encoding: chunked\r\n', chunkedSmuggled),
  'chunked, then Content-Length': post('Transfer-Encoding: chunked\r\nContent-Length: 44\r\n', chunkedSmuggled),
  'chunked with Content-Length: 0': post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', chunkedSmuggled),
  'two different Content-Lengths': post('Content-Length: 0\r\nContent-Length: 37\r\n', smuggled),
  'the same Content-Length twice': post('Content-Length: 2\r\nContent-Length: 2\r\n', 'ab'),
  'a list in Content-Length': post('Content-Length: 2, 2\r\n', 'ab'),
  'a list of two in Content-Length': post('Content-Length: 0, 37\r\n', smuggled),
  'a signed Content-Length': post('Content-Length: +2\r\n', 'ab'),
  'a negative Content-Length': post('Content-Length: -1\r\n', smuggled),
  'a hexadecimal Content-Length': post('Content-Length: 0x2\r\n', 'ab'),
  'an empty Content-Length': post('Content-Length: \r\n', smuggled),
  'a Content-Length with a fraction': post('Content-Length: 2.0\r\n', 'ab'),
  'a Content-Length with spaces inside': post('Content-Length: 3 7\r\n', smuggled),
  'a Content-Length that overflows': post('Content-Length: 18446744073709551653\r\n', smuggled),
  'a quoted Content-Length': post('Content-Length: "2"\r\n', 'ab'),
  'Transfer-Encoding twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', chunkedSmuggled),
  'Transfer-Encoding: chunked, identity': post('Transfer-Encoding: chunked, identity\r\n', chunkedSmuggled),
  'Transfer-Encoding: identity, chunked': post('Transfer-Encoding: identity, chunked\r\n', chunkedSmuggled),
  'Transfer-Encoding: chunked, chunked': post('Transfer-Encoding: chunked, chunked\r\n', chunkedSmuggled),
  'Transfer-Encoding: identity': post('Transfer-Encoding: identity\r\n', chunkedSmuggled),
  'Transfer-Encoding: gzip, chunked': post('Transfer-Encoding: gzip, chunked\r\n', chunkedSmuggled),
  'Transfer-Encoding: chunked;q=1': post('Transfer-Encoding: chunked;q=1\r\n', chunkedSmuggled),
  'Transfer-Encoding: xchunked': post('Transfer-Encoding: xchunked\r\n', chunkedSmuggled),
  'Transfer-Encoding: "chunked"': post('Transfer-Encoding: "chunked"\r\n', chunkedSmuggled),
  'an empty Transfer-Encoding': post('Transfer-Encoding: \r\n', chunkedSmuggled),
  'Transfer-Encoding with a vertical tab': post('Transfer-Encoding: \x0bchunked\r\n', chunkedSmuggled),
  'Transfer-Encoding with a form feed': post('Transfer-Encoding: chunked\x0c\r\n', chunkedSmuggled),
  'Transfer-Encoding with NUL': post('Transfer-Encoding: chunked\0\r\n', chunkedSmuggled),
  'Transfer-Encoding with a space before the colon': post('Transfer-Encoding : chunked\r\nContent-Length: 44\r\n', chunkedSmuggled),
  'Transfer-Encoding with a tab before the colon': post('Transfer-Encoding\t: chunked\r\n', chunkedSmuggled),
  'a space before Transfer-Encoding': post('X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 44\r\n', chunkedSmuggled),
  'a folded Transfer-Encoding': post('Transfer-Encoding:\r\n chunked\r\n', chunkedSmuggled),
  'a folded header': get('X-Folded: a\r\n b\r\n'),
  'a header folded with a tab': get('X-Folded: a\r\n\tb\r\n'),
  'folding in the first line': 'GET /case HTTP/1.1\r\n Host: s\r\n\r\n',
  'Transfer-Encoding behind a bare LF': post('X: y\nTransfer-Encoding: chunked\r\nContent-Length: 44\r\n', chunkedSmuggled),
  'Transfer-Encoding behind a bare CR': post('X: y\rTransfer-Encoding: chunked\r\nContent-Length: 44\r\n', chunkedSmuggled),
  'lines that end with LF only': 'GET /case HTTP/1.1\nHost: s\n\n',
  'lines that end with CR only': 'GET /case HTTP/1.1\rHost: s\r\r',
  'a head that ends with LF CR LF': `POST /case HTTP/1.1\r\nHost: s\r\nContent-Length: 2\n\r\nab`,
  'NUL in a header value': get('X: a\0b\r\n'),
  'NUL in a header name': get('X\0: a\r\n'),
  'a control in a header value': get('X: a\x01b\r\n'),
  'a space in a header name': get('X Y: a\r\n'),
  'a header without a name': get(': a\r\n'),
  'a header without a colon': get('Transfer-Encoding chunked\r\n'),
  'brackets in a header name': get('X(Y): a\r\n'),
  'a header name beyond ASCII': get('X\xc3\xa4: a\r\n'),
  'chunked in HTTP/1.0': `POST /case HTTP/1.0\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedSmuggled}`,
  'no Host': 'GET /case HTTP/1.1\r\n\r\n',
  'two Hosts': get('Host: other\r\n'),
  'the same Host twice': get('Host: s\r\n'),
  'an empty Host': 'GET /case HTTP/1.1\r\nHost: \r\n\r\n',
  'a Host with a path': 'GET /case HTTP/1.1\r\nHost: s/x\r\n\r\n',
  'a Host with user information': 'GET /case HTTP/1.1\r\nHost: a@s\r\n\r\n',
  'a Host list': 'GET /case HTTP/1.1\r\nHost: s, t\r\n\r\n',
  'absolute-form against Host': 'GET http://other/case HTTP/1.1\r\nHost: s\r\n\r\n',
  'absolute-form with user information': 'GET http://s@other/case HTTP/1.1\r\nHost: s\r\n\r\n',
  'absolute-form of another scheme': 'GET ftp://s/case HTTP/1.1\r\nHost: s\r\n\r\n',
  'authority-form': 'CONNECT s:80 HTTP/1.1\r\nHost: s:80\r\n\r\n',
  'a target without a slash': 'GET case HTTP/1.1\r\nHost: s\r\n\r\n',
  'a target with a fragment': 'GET /case#x HTTP/1.1\r\nHost: s\r\n\r\n',
  'a target with a control': 'GET /ca\x01se HTTP/1.1\r\nHost: s\r\n\r\n',
  'a target with a tab': 'GET /ca\tse HTTP/1.1\r\nHost: s\r\n\r\n',
  'a target with a space': 'GET /ca se HTTP/1.1\r\nHost: s\r\n\r\n',
  'two spaces in the request line': 'GET  /case HTTP/1.1\r\nHost: s\r\n\r\n',
  'a space before the method': ' GET /case HTTP/1.1\r\nHost: s\r\n\r\n',
  'a space behind the version': 'GET /case HTTP/1.1 \r\nHost: s\r\n\r\n',
  'a version in lower case': 'GET /case http/1.1\r\nHost: s\r\n\r\n',
  'version 1.2': 'GET /case HTTP/1.2\r\nHost: s\r\n\r\n',
  'version 2.0': 'GET /case HTTP/2.0\r\nHost: s\r\n\r\n',
  'version 0.9': 'GET /case\r\n\r\n',
  'a version with a long number': 'GET /case HTTP/1.10\r\nHost: s\r\n\r\n',
  'an unknown method token with a bracket': 'G(T /case HTTP/1.1\r\nHost: s\r\n\r\n',
  'a chunk size that overflows': post('Transfer-Encoding: chunked\r\n', `10000000000000002\r\nab\r\n0\r\n\r\n`),
  'a chunk size with a sign': post('Transfer-Encoding: chunked\r\n', '+2\r\nab\r\n0\r\n\r\n'),
  'a chunk size with 0x': post('Transfer-Encoding: chunked\r\n', '0x2\r\nab\r\n0\r\n\r\n'),
  'a chunk size with a space before it': post('Transfer-Encoding: chunked\r\n', ' 2\r\nab\r\n0\r\n\r\n'),
  'a chunk size that is empty': post('Transfer-Encoding: chunked\r\n', '\r\nab\r\n0\r\n\r\n'),
  'a chunk size that ends with LF': post('Transfer-Encoding: chunked\r\n', '2\nab\r\n0\r\n\r\n'),
  'a chunk that ends with LF': post('Transfer-Encoding: chunked\r\n', '2\r\nab\n0\r\n\r\n'),
  'a chunk that goes on': post('Transfer-Encoding: chunked\r\n', '2\r\nabc\r\n0\r\n\r\n'),
  'a chunk extension with LF in it': post('Transfer-Encoding: chunked\r\n', '2;x\ny\r\nab\r\n0\r\n\r\n'),
  'a chunk extension with CR in it': post('Transfer-Encoding: chunked\r\n', '2;x\ry\r\nab\r\n0\r\n\r\n'),
  'a chunk extension without an end': post('Transfer-Encoding: chunked\r\n', `2;${'x'.repeat(100000)}`),
  'trailers with a bare LF': post('Transfer-Encoding: chunked\r\n', '0\r\nX: y\n\r\n'),
  'trailers that name a length': post('Transfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\nContent-Length: 40\r\n\r\n'),
  'trailers that name a coding': post('Transfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  'trailers without an end': post('Transfer-Encoding: chunked\r\n', `0\r\n${'X: y\r\n'.repeat(20000)}`),
  'a request line without an end': `GET /${'x'.repeat(200000)}`,
  'a header without an end': `GET /case HTTP/1.1\r\nHost: s\r\nX: ${'x'.repeat(200000)}`,
  'too many headers': get('X: y\r\n'.repeat(1000)),
};

// Passed on as one request; what stands behind it is a request of its own.
const passed = {
  'a plain GET': { bytes: get(''), body: '' },
  'Content-Length': { bytes: post('Content-Length: 2\r\n', 'ab'), body: 'ab' },
  'Content-Length: 0': { bytes: post('Content-Length: 0\r\n'), body: '' },
  'Content-Length with leading zeros': { bytes: post('Content-Length: 0002\r\n', 'ab'), body: 'ab' },
  'Content-Length with spaces around it': { bytes: post('Content-Length: \t 2  \r\n', 'ab'), body: 'ab' },
  'chunked': { bytes: post('Transfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\n\r\n'), body: 'ab' },
  'CHUNKED': { bytes: post('TRANSFER-ENCODING: ChUnKeD\r\n', '2\r\nab\r\n0\r\n\r\n'), body: 'ab' },
  'chunked with a tab before it': { bytes: post('Transfer-Encoding:\tchunked\r\n', '2\r\nab\r\n0\r\n\r\n'), body: 'ab' },
  'chunk extensions': { bytes: post('Transfer-Encoding: chunked\r\n', '2;x=y;z="q"\r\nab\r\n0;end\r\n\r\n'), body: 'ab' },
  'chunk sizes with leading zeros': { bytes: post('Transfer-Encoding: chunked\r\n', '0000002\r\nab\r\n000\r\n\r\n'), body: 'ab' },
  'a body that looks like a request': { bytes: post(`Content-Length: ${smuggled.length}\r\n`, smuggled), body: smuggled },
  'a chunk that looks like a request': {
    bytes: post('Transfer-Encoding: chunked\r\n', `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`), body: smuggled,
  },
  'Connection that names Content-Length': { bytes: post('Connection: content-length\r\nContent-Length: 2\r\n', 'ab'), body: 'ab' },
  'Connection that names Transfer-Encoding': {
    bytes: post('Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\n\r\n'), body: 'ab',
  },
  'Connection that names Host': { bytes: get('Connection: host\r\n'), body: '' },
  'other spellings of the length': {
    bytes: post('Content_Length: 40\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 40\r\nContent-Length: 2\r\n', 'ab'), body: 'ab',
  },
  'absolute-form with the same authority': { bytes: 'GET http://s/case HTTP/1.1\r\nHost: s\r\n\r\n', body: '' },
  'a GET with a body': { bytes: get('Content-Length: 2\r\n') + 'ab', body: 'ab' },
  'empty lines before the request': { bytes: `\r\n\r\n${get('')}`, body: '' },
};

const gatewayTo = (t, port) => startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { site: { servers: [ "http://127.0.0.1:${port}" ], first_byte_timeout: 5s, read_timeout: 5s } }
routes: [ { path: /*, backend: site } ]
`);

test('what could be read in two ways is refused, and nothing of it reaches the server', { timeout: 180000 }, async (t) => {
  const server = await recordingServer(t);
  const gateway = await gatewayTo(t, server.port);
  const cases = Object.entries(refused);
  for (const [index, [name, bytes]] of cases.entries()) {
    const client = await RawClient.connect(gateway.ports[0]);
    client.send(bytes.replace('/case', `/case-${index}`) + smuggled);
    client.socket.end();
    const answer = await client.end();
    assert.match(answer, /^HTTP\/1\.1 [45]\d\d /, `${name}: ${JSON.stringify(answer.slice(0, 100))}`);
    assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g).length, 1, `${name}: one answer, not ${JSON.stringify(answer)}`);
  }
  // All that it will ever have sent has arrived once it is gone.
  gateway.child.kill('SIGTERM');
  await gateway.child.exited;
  await Promise.all(server.connections.map((c) => c.closed));
  for (const received of server.received()) {
    const [name, bytes] = cases[Number(/\/case-(\d+)/.exec(received)[1])];
    // A body may have begun before its fault: then the server must see that it breaks off.
    assert.match(bytes, /Transfer-Encoding: chunked\r\n\r\n/, `${name}: ${JSON.stringify(received)}`);
    assert.doesNotMatch(received, /smuggled/, name);
    assert.throws(() => readRequests(received), `${name}: looks whole: ${JSON.stringify(received)}`);
  }
});

test('what can be read in one way only is passed on as that', { timeout: 120000 }, async (t) => {
  const server = await recordingServer(t);
  const gateway = await gatewayTo(t, server.port);
  for (const [name, { bytes, body }] of Object.entries(passed)) {
    for (const bytewise of [false, true]) {
      const client = await RawClient.connect(gateway.ports[0]);
      const all = `${bytes}GET /next HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`;
      if (bytewise) await client.sendBytewise(all);
      else client.send(all);
      const answer = await client.end();
      assert.equal(answer.split('HTTP/1.1 200 ').length, 3, `${name}: two answers, not ${JSON.stringify(answer)}`);
      const requests = server.connections.flatMap((c) => readRequests(c.bytes));
      // The server's connections are kept; only what this case brought counts.
      for (const c of server.connections) Object.assign(c, { bytes: '', answered: 0 });
      assert.deepEqual(requests.map((r) => r.target), ['/case', '/next'], name);
      assert.equal(requests[0].body, body, name);
      assert.ok(!requests[0].headers.some(([n, value]) => n === 'connection' && /content-length|transfer|host/i.test(value)), name);
    }
  }
});

const upgrade = 'GET /ws HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

test('requests behind a handshake are not requests', { timeout: 60000 }, async (t) => {
  const server = await recordingServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { site: { servers: [ "http://127.0.0.1:${server.port}" ] } }
routes: [ { path: /ws, plugin: echo }, { path: /*, backend: site } ]
`);
  // Accepted: the bytes behind it are a broken frame.
  const accepted = await RawClient.connect(gateway.ports[0]);
  accepted.send(`${upgrade}\r\n${smuggled}`);
  const first = await accepted.end();
  assert.match(first, /^HTTP\/1\.1 101 /);
  assert.equal(first.split('HTTP/1.1 ').length, 2);
  // Refused: the next request is one, but the server never sees the handshake.
  const wrong = await RawClient.connect(gateway.ports[0]);
  wrong.send(`${upgrade.replace('Version: 13', 'Version: 7')}\r\n`);
  assert.match(await wrong.head(), /^HTTP\/1\.1 426 /);
  wrong.close();
  // With a body: refused, and the body is one.
  const body = await RawClient.connect(gateway.ports[0]);
  body.send(`${upgrade}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
  body.socket.end();
  const answer = await body.end();
  assert.match(answer, /^HTTP\/1\.1 4(00|26) /);
  assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g).length, 1);
  assert.deepEqual(server.received(), []);
});

const after = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
const ok = (fields, body = '') => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;

// What a server sends, and what the client may see of it: a status, or a cut behind the head.
const answers = {
  'both lengths': [ok('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${after}`), 502],
  'two lengths': [ok('Content-Length: 0\r\nContent-Length: 5\r\n', 'abcde'), 502],
  'a signed length': [ok('Content-Length: +5\r\n', 'abcde'), 502],
  'an unknown coding': [ok('Transfer-Encoding: gzip\r\n', 'abcde'), 502],
  'chunked, identity': [ok('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${after}`), 502],
  'a folded header': [ok('X: a\r\n b\r\nContent-Length: 0\r\n'), 502],
  'a bare LF': ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502],
  'a bare CR': ['HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n', 502],
  'NUL in a header': [ok('X: a\0b\r\nContent-Length: 0\r\n'), 502],
  'a space before a colon': [ok('Content-Length : 0\r\n'), 502],
  'a status of two digits': ['HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', 502],
  'a status of four digits': ['HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 502],
  'another protocol': ['ICY 200 OK\r\n\r\n', 502],
  'garbage': ['\x16\x03\x01\x02\x00\x01', 502],
  'a 101 that nobody asked for': ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 502],
  'a 1xx with a length': [`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok('Content-Length: 2\r\n', 'ok')}`, 502],
  'nothing at all': ['', 502],
  'an answer that is longer than it says': [`${ok('Content-Length: 2\r\n', 'ok')}${after}`, 200, 'ok'],
  'an answer behind a 204': [`HTTP/1.1 204 No Content\r\n\r\n${after}`, 204, ''],
  'an answer behind a 304': [`HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n${after}`, 304, ''],
  'an answer behind chunks': [ok('Transfer-Encoding: chunked\r\n', `2\r\nok\r\n0\r\n\r\n${after}`), 200, 'ok'],
  'early hints': [`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok('Content-Length: 2\r\n', 'ok')}`, 200, 'ok'],
  'a body that breaks off': [ok('Content-Length: 10\r\n', 'short'), 200, undefined],
  'chunks that break off': [ok('Transfer-Encoding: chunked\r\n', '5\r\nshort\r\n'), 200, undefined],
  'a chunk that is longer than it says': [ok('Transfer-Encoding: chunked\r\n', `2\r\nokay\r\n0\r\n\r\n`), 200, undefined],
  'a chunk size with garbage': [ok('Transfer-Encoding: chunked\r\n', `2x\r\nok\r\n0\r\n\r\n`), 200, undefined],
};

// The last answer in `bytes`, 1xx left out; body undefined when it is cut.
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
    if (/^transfer-encoding: chunked$/im.test(head)) {
      const whole = /^(?:[0-9a-f]+\r\n[^\r]*\r\n)*0\r\n\r\n$/i.test(rest);
      return { status, body: whole ? rest.replace(/[0-9a-f]+\r\n([^\r]*)\r\n/gi, '$1').slice(0, rest.length) : undefined, chunked: true };
    }
    const length = Number(/^content-length: (\d+)$/im.exec(head)[1]);
    return { status, body: rest.length === length ? rest : undefined };
  }
}

test('answers that could be read in two ways do not reach a client, nor the next one', { timeout: 180000 }, async (t) => {
  let answer = '';
  const port = await tcpServer(t, (socket) => {
    let bytes = '';
    socket.on('data', (data) => {
      bytes += data.toString('latin1');
      if (!bytes.includes('\r\n\r\n')) return;
      const next = bytes.startsWith('GET /next');
      bytes = '';
      if (next) socket.write(ok('Content-Length: 4\r\n', 'next'));
      else socket.end(answer, 'latin1');
    });
  });
  const gateway = await gatewayTo(t, port);
  for (const [name, [bytes, status, body]] of Object.entries(answers)) {
    answer = bytes;
    const client = await RawClient.connect(gateway.ports[0]);
    client.send(`GET /case HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`);
    const got = readAnswer(await client.end());
    assert.equal(got.status, status, name);
    if (status < 400 && !got.chunked) assert.equal(got.body, body, name);
    if (got.chunked) assert.equal(got.body === undefined, body === undefined, name);
    const next = await RawClient.connect(gateway.ports[0]);
    next.send(`GET /next HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n`);
    assert.equal(readAnswer(await next.end()).body, 'next', name);
  }
});
