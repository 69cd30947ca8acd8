// The same requests through nginx and through the gateway to the same server. What the server receives, and what the
// client receives, must be equal except for the differences listed here.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { startGateway, tcpServer } from './support.mjs';
import { startNginx } from './nginx.mjs';
import { AnswerReader, RequestReader, valuesOf } from './wire.mjs';

const get = (target, fields = '', version = '1.1') =>
  `GET ${target} HTTP/${version}\r\nHost: Site.test:8080\r\n${fields}\r\n`;
const post = (fields, body) => `POST /post HTTP/1.1\r\nHost: Site.test:8080\r\n${fields}\r\n${body}`;
const someDate = 'Thu, 01 Jan 2026 00:00:00 GMT';
const answer = (line, fields = '', body = '') =>
  `HTTP/1.1 ${line}\r\nDate: ${someDate}\r\nServer: origin\r\n${fields}\r\n${body}`;
const ok = answer('200 OK', 'Content-Type: text/plain\r\nContent-Length: 5\r\n', 'hello');

// `send`: sent by the client; `body`: sent by the client after a 100 Continue; `answer`: sent by the server; `close`:
// the server then closes its connection.
const cases = [
  // ---- requests
  { name: 'plain', send: get('/plain') },
  { name: 'query', send: get('/a?b=c&d=%20+e?f#') },
  { name: 'query without a path segment', send: get('/?') },
  { name: 'encoded path', send: get('/a%2Fb%20c%41/%7Euser/%e4%c3%a4;v=1,2') },
  { name: 'dot segments', send: get('/a/./b/../c/..%2fd/%2e%2e/e') },
  { name: 'dots at the end', send: get('/a/b/..') },
  { name: 'empty segments', send: get('//a///b//') },
  { name: 'colons and brackets in the path', send: get("/a:b@c!$&'()*+,=[x]|^`{}") },
  { name: 'absolute target', send: 'GET http://other.test:99/abs?x HTTP/1.1\r\nHost: other.test:99\r\n\r\n' },
  { name: 'header cases', send: get('/', 'x-LOWER-upper: 1\r\nX_Under_Score: 2\r\nx.dot!#$%&\'*+^`|~: 3\r\n') },
  { name: 'header values',
    send: get('/', 'X-Empty:\r\nX-Space:  \t two  words \t\r\nX-Utf8: gr\xc3\xbc\xc3\x9fe\r\nX-Latin: \xe4\r\n' +
      'X-Tab: a\tb\r\n') },
  { name: 'repeated headers',
    send: get('/', 'X-Many: 1\r\nX-Other: x\r\nX-Many: 2\r\nx-many: 3\r\nAccept: a/b\r\nAccept: c/d\r\n') },
  { name: 'cookies', send: get('/', 'Cookie: a=1; b="two words"\r\nCookie: c=3\r\n') },
  { name: 'range', send: get('/', 'Range: bytes=0-4\r\nIf-Range: "x"\r\n'),
    answer: answer('206 Partial Content', 'Content-Range: bytes 0-4/9\r\nContent-Length: 5\r\n', 'hello') },
  { name: 'conditions',
    send: get('/', 'If-None-Match: W/"x", "y"\r\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n'),
    answer: answer('304 Not Modified', 'ETag: "y"\r\n') },
  { name: 'credentials', send: get('/', 'Authorization: Basic eDp5\r\nProxy-Authorization: Basic eDp5\r\n') },
  { name: 'hop by hop',
    send: get('/', 'Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n' +
      'Proxy-Connection: keep-alive\r\n') },
  { name: 'close', send: get('/', 'Connection: close\r\n') },
  { name: 'te', send: get('/', 'TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n') },
  { name: 'other upgrade',
    send: get('/', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n') },
  { name: 'forwarding claims',
    send: get('/', 'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n' +
      'Forwarded: for=6.6.6.6\r\nVia: 1.0 fred\r\nX-Real-IP: 6.6.6.6\r\n') },
  { name: 'two hosts', send: get('/', 'Host: other.test\r\n') },
  { name: 'a fold', send: get('/', 'X-Fold: a\r\n b\r\n') },
  { name: 'a space before the colon', send: get('/', 'X-Space : a\r\n') },
  { name: 'bare line feeds', send: 'GET / HTTP/1.1\nHost: Site.test:8080\n\n' },
  { name: 'a NUL', send: get('/', 'X-Nul: a\0b\r\n') },
  { name: 'HTTP/1.0', send: get('/', '', '1.0') },
  { name: 'HTTP/1.0 kept alive', send: get('/', 'Connection: keep-alive\r\n', '1.0') },
  { name: 'HTTP/1.0 without a host', send: 'GET /old HTTP/1.0\r\n\r\n' },
  { name: 'HEAD', method: 'HEAD', send: 'HEAD / HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n',
    answer: answer('200 OK', 'Content-Length: 500\r\n') },
  { name: 'HEAD of a chunked answer', method: 'HEAD', send: 'HEAD / HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n',
    answer: answer('200 OK', 'Transfer-Encoding: chunked\r\n') },
  { name: 'HEAD without a length', method: 'HEAD', send: 'HEAD / HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n',
    answer: answer('200 OK') },
  { name: 'OPTIONS *', send: 'OPTIONS * HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n' },
  { name: 'preflight',
    send: 'OPTIONS /p HTTP/1.1\r\nHost: Site.test:8080\r\nOrigin: http://a.test\r\n' +
      'Access-Control-Request-Method: PUT\r\n\r\n' +
        '', answer: answer('204 No Content', 'Access-Control-Allow-Origin: *\r\n') },
  { name: 'TRACE', send: 'TRACE / HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n' },
  { name: 'PROPFIND', send: 'PROPFIND /dav HTTP/1.1\r\nHost: Site.test:8080\r\nDepth: 1\r\nContent-Length: 4\r\n\r\n' +
    '<a/>' },
  { name: 'method of nobody', send: 'BREW /pot HTTP/1.1\r\nHost: Site.test:8080\r\n\r\n' },
  { name: 'GET with a body', send: get('/', 'Content-Length: 4\r\n') + 'body' },
  { name: 'POST', send: post('Content-Type: application/json\r\nContent-Length: 8\r\n', '{"a": 1}') },
  { name: 'POST of nothing', send: post('Content-Length: 0\r\n', '') },
  { name: 'POST without a length', send: post('', '') },
  { name: 'chunked', send: post('Transfer-Encoding: chunked\r\n', '3;ext="x"\r\nabc\r\n2\r\nde\r\n0\r\n\r\n') },
  { name: 'request trailers',
    send: post('Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n', '3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n') },
  { name: 'two lengths', send: post('Content-Length: 4\r\nContent-Length: 4\r\n', 'body') },
  { name: 'a list of lengths', send: post('Content-Length: 4, 4\r\n', 'body') },
  { name: 'a signed length', send: post('Content-Length: +4\r\n', 'body') },
  { name: 'length and chunked', send: post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') },
  { name: 'a coding before chunked', send: post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n') },
  { name: 'chunked HTTP/1.0', send: 'POST /post HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' },
  { name: 'expect', send: post('Expect: 100-continue\r\nContent-Length: 4\r\n', ''), body: 'body', goOn: true },
  { name: 'expect refused', send: post('Expect: 100-continue\r\nContent-Length: 4\r\n', ''),
    answer: answer('413 Payload Too Large', 'Content-Length: 0\r\n'), body: 'body', early: true },
  { name: 'expect of HTTP/1.0',
    send: 'POST /post HTTP/1.0\r\nHost: Site.test:8080\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody',
    goOn: true },
  // ---- answers
  { name: 'reason', send: get('/'), answer: answer('299 All Is Well', 'Content-Length: 0\r\n') },
  { name: 'no reason', send: get('/'), answer: answer('200', 'Content-Length: 0\r\n') },
  { name: 'answer header cases', send: get('/'),
    answer: answer('200 OK',
      'x-LOWER-upper: 1\r\nX_Under: 2\r\nX-Empty:\r\nX-Utf8: gr\xc3\xbc\xc3\x9fe\r\nContent-Length: 0\r\n') },
  { name: 'answer headers of this hop', send: get('/'),
    answer: answer('200 OK',
      'Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n' +
        'Content-Length: 0\r\n') },
  { name: 'cookies set', send: get('/'),
    answer: answer('200 OK',
      'Set-Cookie: a=1; Path=/; Domain=site.test\r\nSet-Cookie: b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT\r\n' +
        'Content-Length: 0\r\n') },
  { name: 'repeated answer headers', send: get('/'),
    answer: answer('200 OK',
      'Vary: a\r\nLink: <x>\r\nVary: b\r\nLink: <y>\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n' +
        'Content-Length: 0\r\n') },
  { name: 'redirect', send: get('/'), answer: answer('302 Found', 'Location: /next?x=1\r\nContent-Length: 0\r\n') },
  { name: 'absolute redirect', send: get('/'),
    answer: answer('301 Moved Permanently', 'Location: http://site.test:8080/next\r\nContent-Length: 0\r\n') },
  { name: 'nothing', send: get('/'), answer: answer('204 No Content') },
  { name: 'length zero', send: get('/'), answer: answer('200 OK', 'Content-Length: 0\r\n') },
  { name: 'unmodified with a length', send: get('/'),
    answer: answer('304 Not Modified', 'ETag: "x"\r\nContent-Length: 500\r\n') },
  { name: 'chunked answer', send: get('/'),
    answer: answer('200 OK', 'Transfer-Encoding: chunked\r\n', '3;x=y\r\nabc\r\n0\r\n\r\n') },
  { name: 'answer trailers', send: get('/', 'TE: trailers\r\n'),
    answer: answer('200 OK', 'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n', '3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n') },
  { name: 'chunked answer for HTTP/1.0', send: get('/', '', '1.0'),
    answer: answer('200 OK', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n') },
  { name: 'answer to its end', send: get('/'),
    answer: answer('200 OK', 'Content-Type: text/plain\r\n', 'until the end'), close: true },
  { name: 'HTTP/1.0 answer to its end', send: get('/'),
    answer: answer('200 OK', '', 'until the end').replace('1.1', '1.0'), close: true },
  { name: 'HTTP/1.0 answer with a length', send: get('/'), answer: ok.replace('1.1', '1.0'), close: true },
  { name: 'answer to its end for HTTP/1.0', send: get('/', '', '1.0'), answer: answer('200 OK', '', 'until the end'),
    close: true },
  { name: 'without date and server', send: get('/'), answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'processing', send: get('/'), answer: `HTTP/1.1 102 Processing\r\n\r\n${ok}` },
  { name: 'early hints', send: get('/'),
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok}` },
  { name: 'encoded body', send: get('/', 'Accept-Encoding: gzip, br\r\n'),
    answer: answer('200 OK', 'Content-Encoding: br\r\nContent-Length: 3\r\n', 'abc') },
  { name: 'error of the server', send: get('/'),
    answer: answer('500 Internal Server Error', 'Retry-After: 5\r\nContent-Length: 4\r\n', 'oops') },
  { name: 'bare line feeds in the answer', send: get('/'), answer: 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello' },
  { name: 'a fold in the answer', send: get('/'),
    answer: answer('200 OK', 'X-Fold: a\r\n b\r\nContent-Length: 0\r\n') },
  { name: 'the same length twice in the answer', send: get('/'),
    answer: answer('200 OK', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello') },
  { name: 'two lengths in the answer', send: get('/'),
    answer: answer('200 OK', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!') },
  { name: 'length and chunked in the answer', send: get('/'),
    answer: answer('200 OK', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n') },
  { name: 'a reset before the answer', send: get('/'), reset: true },
  { name: 'a body that is too short', send: get('/'), answer: answer('200 OK', 'Content-Length: 9\r\n', 'hello'),
    close: true },
  { name: 'chunks that end too early', send: get('/'),
    answer: answer('200 OK', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'), close: true },
  { name: 'a switch nobody asked for', send: get('/'),
    answer: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', close: true },
  // Not in any standard, but with only one meaning.
  { name: 'status of nobody', send: get('/'), answer: answer('999 Request Denied', 'Content-Length: 0\r\n') },
];

// A server that records each request and answers as its case says.
async function recordingServer(t) {
  const server = { requests: [], current: undefined };
  const serve = async (socket) => {
    const requests = new RequestReader(socket);
    for (;;) {
      let one;
      const request = await requests.request((head) => {
        one = server.current;
        if (valuesOf(head.headers, 'expect').length === 0) return;
        if (one.goOn) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        if (!one.early) return;
        server.requests.push({ ...head, framing: 'none', body: '', trailers: [], whole: true });
        socket.write(one.answer, 'latin1');
      });
      if (!request?.whole) return socket.end();
      server.requests.push(request);
      if (one.reset) return socket.resetAndDestroy();
      socket.write(one.answer ?? ok, 'latin1');
      if (one.close) return socket.end();
    }
  };
  server.port = await tcpServer(t, (socket) => serve(socket).catch(() => socket.destroy()));
  return server;
}

async function exchange(server, port, one) {
  server.requests = [];
  server.current = one;
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  const answers = new AnswerReader(socket);
  socket.write(one.send, 'latin1');
  const answered = await answers.answer({
    method: one.method,
    onInterim: (status) => { if (status === 100 && one.body) socket.write(one.body, 'latin1'); },
  });
  socket.destroy();
  return { requests: server.requests, answer: answered, version10: one.send.includes(' HTTP/1.0\r\n') };
}

// Intended differences, with their reasons.
const intended = {
  // RFC 9112, section 3.2: a target has no fragment.
  query: ['request - arrives', 'answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 400 Bad Request'],
  // Routes and servers must agree on the meaning of a path; nginx without a URI in proxy_pass does not ensure that.
  'dot segments': ['request - GET /a/./b/../c/..%2fd/%2e%2e/e HTTP/1.1', 'request + GET /a/c/e HTTP/1.1'],
  'dots at the end': ['request - GET /a/b/.. HTTP/1.1', 'request + GET /a/ HTTP/1.1'],
  // RFC 9110, section 11.7.2: meant for the proxy only.
  credentials: ['request - Proxy-Authorization: Basic eDp5'],
  // RFC 9110, section 7.6.1: fields named in Connection are not forwarded. nginx only knows a fixed list.
  'hop by hop': ['request - X-Hop: 1', 'request - Proxy-Connection: keep-alive'],
  'answer headers of this hop': ['answer - X-Hop: 1', 'answer - Proxy-Connection: x'],
  // The same.
  'other upgrade': ['request - HTTP2-Settings: AAMAAABkAAQAAP__'],
  // RFC 9110, section 7.6.3: Via is appended to. Clients must not set X-Real-IP, because servers trust it.
  'forwarding claims': [
    'request - Via: 1.1 upgate', 'request - X-Real-IP: 6.6.6.6', 'request + Via: 1.0 fred, 1.1 upgate',
  ],
  // RFC 9112, section 2.2: a bare LF may be accepted as a line end, but parsers disagree about it.
  'bare line feeds': ['request - arrives', 'answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 400 Bad Request'],
  'bare line feeds in the answer': ['answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 502 Bad Gateway'],
  // An HTTP/1.1 request needs a Host.
  'HTTP/1.0 without a host': [
    'request - Forwarded: for=127.0.0.1;proto=http;host=""', 'request + Host: 127.0.0.1:PORT',
    'request + Forwarded: for=127.0.0.1;proto=http',
  ],
  // It matches no path, so no route.
  'OPTIONS *': ['answer - HTTP/1.1 400 Bad Request', 'answer + HTTP/1.1 404 Not Found'],
  // The server decides about methods, as far as the parser knows them.
  TRACE: ['request + arrives', 'answer - HTTP/1.1 405 Not Allowed', 'answer + HTTP/1.1 200 OK'],
  'method of nobody': ['request - arrives', 'answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 501 Not Implemented'],
  // RFC 9110, section 8.6: methods that expect a body should send a length of zero.
  'POST without a length': ['request + Content-Length: 0', 'request body - none: ', 'request body + length: '],
  // The gateway preserves chunks and trailers; nginx computes the length of data it has received, and drops trailers in
  // both directions.
  chunked: [
    'request - Content-Length: 5', 'request + Transfer-Encoding: chunked', 'request body - length: abcde',
    'request body + chunked: abcde',
  ],
  'request trailers': [
    'request - Content-Length: 3', 'request + Transfer-Encoding: chunked', 'request trailer + X-Sum: 7',
    'request body - length: abc',
    'request body + chunked: abc',
  ],
  'answer trailers': ['answer trailer + X-Sum: 7'],
  // Both refuse it; nginx as unsupported, the gateway as ambiguous.
  'a coding before chunked': ['answer - HTTP/1.1 501 Not Implemented', 'answer + HTTP/1.1 400 Bad Request'],
  // RFC 9110, section 10.1.1: the server decides whether it wants the body; nginx answers 100 itself. A client that is
  // refused may or may not send the body, so the connection is closed.
  expect: ['request + Expect: 100-continue'],
  'expect refused': [
    'request + Expect: 100-continue', 'request body - length: body', 'request body + none: ',
    'answer + Connection: close',
    '1xx - HTTP/1.1 100 Continue',
  ],
  // The reason phrase may be missing; adding the usual one does no harm.
  'no reason': ['answer - HTTP/1.1 200', 'answer + HTTP/1.1 200 OK'],
  // RFC 9110, section 6.6.1: a response without a date gets one.
  'without date and server': ['answer + Date: now', 'answer + Server: upgate'],
  // RFC 9112, section 6.3: ambiguous framing is an error.
  'two lengths in the answer': ['answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 502 Bad Gateway'],
  'length and chunked in the answer': ['answer - HTTP/1.1 200 OK', 'answer + HTTP/1.1 502 Bad Gateway'],
  // RFC 9110, section 15.2.2.
  'a switch nobody asked for': ['answer - HTTP/1.1 101 Switching Protocols', 'answer + HTTP/1.1 502 Bad Gateway'],
};

const show = (headers) => headers.map(([name, value]) => `${name}: ${value}`);

// Lines that only one side has; lines may be in a different order.
function compare(what, nginx, gateway, differences) {
  const rest = [...gateway];
  for (const line of nginx) {
    const at = rest.indexOf(line);
    if (at === -1) differences.push(`${what} - ${line}`);
    else rest.splice(at, 1);
  }
  for (const line of rest) differences.push(`${what} + ${line}`);
}

// The lines of a response if it is the server's; error pages of nginx and the gateway may differ. nginx also sends
// keep-alive to HTTP/1.1.
function linesOf({ answer: told, version10 }, own) {
  if (own) return [told.line];
  const headers = show(told.headers).filter((line) => version10 || line !== 'Connection: keep-alive');
  return [told.line, ...headers.map((line) =>
    (line.startsWith('Date: ') && line !== `Date: ${someDate}` ? 'Date: now' : line))];
}

const bodyOf = ({ framing, body, whole }) => `${framing}: ${body}${whole ? '' : ' (cut)'}`;

// One line per difference: "-" is what only nginx sends, "+" what only the gateway sends.
function differencesOf(nginx, gateway) {
  const differences = [];
  const [asked, askedHere] = [nginx.requests[0], gateway.requests[0]];
  if (!asked !== !askedHere) {
    differences.push(`request ${asked ? '- ' : '+ '}arrives`);
  } else if (asked) {
    compare('request', [asked.line, ...show(asked.headers)], [askedHere.line, ...show(askedHere.headers)], differences);
    compare('request trailer', show(asked.trailers), show(askedHere.trailers), differences);
    compare('request body', [bodyOf(asked)], [bodyOf(askedHere)], differences);
  }
  const own = nginx.answer.status !== gateway.answer.status || valuesOf(nginx.answer.headers, 'server')[0] === 'nginx';
  compare('answer', linesOf(nginx, own), linesOf(gateway, own), differences);
  if (own) return differences;
  const interims = (told) =>
    told.interims.map((i) => [i.line, ...show(i.headers).filter((h) => h !== 'Connection: keep-alive')].join(' | '));
  compare('1xx', interims(nginx.answer), interims(gateway.answer), differences);
  compare('answer trailer', show(nginx.answer.trailers), show(gateway.answer.trailers), differences);
  compare('answer body', [bodyOf(nginx.answer)], [bodyOf(gateway.answer)], differences);
  return differences;
}

test('the gateway forwards the same as nginx', { timeout: 120000 }, async (t) => {
  const server = await recordingServer(t);
  const nginx = await startNginx(t, (port) => `
  underscores_in_headers on;
  ignore_invalid_headers off;
  upstream origin { server 127.0.0.1:${server.port}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    merge_slashes off;
    client_max_body_size 0;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_redirect off;
      proxy_pass_header Server;
      proxy_pass_header Date;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded 'for=$remote_addr;proto=$scheme;host="$http_host"';
      proxy_set_header Via "1.1 upgate";
    }
  }`);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
http: { underscores: pass }
backends: { site: { servers: [ "http://127.0.0.1:${server.port}" ] } }
routes: [ { path: "/*", backend: site } ]
`);
  const found = {};
  for (const one of cases) {
    const there = await exchange(server, nginx.port, one);
    const here = await exchange(server, gateway.ports[0], one);
    const differences = differencesOf(there, here).map((line) => line.replaceAll(`:${server.port}`, ':PORT'));
    if (differences.length > 0) found[one.name] = differences;
  }
  for (const [name, lines] of Object.entries(found)) for (const line of lines) t.diagnostic(`${name}: ${line}`);
  assert.deepEqual(found, intended);
});
