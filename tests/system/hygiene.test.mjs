// What a front door has for all of HTTP, with clients of the system.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { makeCertificates, startGateway, temporaryFolder, tlsBlock } from './support.mjs';

const run = promisify(execFile);

// The status, headers (lower case) and body that curl gets.
async function curl(...args) {
  const { stdout } = await run('curl', ['-sS', '-i', '--max-time', '20', ...args], { maxBuffer: 1 << 26 });
  const end = stdout.indexOf('\r\n\r\n');
  const [first, ...lines] = stdout.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { status: Number(first.split(' ')[1]), headers, body: stdout.slice(end + 4) };
}

test('redirects, HSTS, ids, limits on bodies, gzip and error pages', async (t) => {
  const folder = temporaryFolder(t);
  const certificate = makeCertificates(folder);
  const text = 'some text that repeats itself. '.repeat(20_000);
  fs.mkdirSync(`${folder}/site`);
  fs.writeFileSync(`${folder}/site/a.txt`, text);
  fs.writeFileSync(`${folder}/404.html`, '<h1>nothing here</h1>');
  let seen;
  const server = http.createServer((request, response) => {
    seen = request.headers;
    request.resume();
    request.on('end', () => response.end('taken'));
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", redirect_https: true }
  - { address: "127.0.0.1:0", hsts: 8760h, ${tlsBlock(certificate)} }
admin: { address: "127.0.0.1:0" }
http: { request_id: true, traceparent: true }
errors: { 404: 404.html }
backends: { web: { servers: [ "http://127.0.0.1:${server.address().port}" ] } }
routes:
  - { path: /site/*, plugin: files, options: { root: ${folder}/site }, compress_http: true }
  - { path: /web, backend: web, limits: { body_size: 1KiB } }
`, { folder });
  const [plain, secure] = gateway.ports;
  const redirect = await curl(`http://127.0.0.1:${plain}/a?b=c`);
  assert.equal(redirect.status, 301);
  assert.equal(redirect.headers.location, 'https://127.0.0.1/a?b=c');

  const base = `https://localhost:${secure}`;
  const ca = ['--cacert', certificate.caFile];
  const packed = await curl(...ca, '--compressed', `${base}/site/a.txt`);
  assert.equal(packed.status, 200);
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.match(packed.headers.etag, /^W\//);
  assert.equal(packed.headers['strict-transport-security'], 'max-age=31536000');
  assert.equal(packed.body, text);
  const again = await curl(...ca, '--compressed', '-H', `If-None-Match: ${packed.headers.etag}`, `${base}/site/a.txt`);
  assert.equal(again.status, 304);
  assert.match(again.headers.vary, /accept-encoding/i);
  const part = await curl(...ca, '--compressed', '-H', 'Range: bytes=0-3', `${base}/site/a.txt`);
  assert.equal(part.status, 206);
  assert.equal(part.body, 'some');

  const small = await curl(...ca, '-H', 'X-Request-ID: forged', '--data-binary', 'x'.repeat(1024), `${base}/web`);
  assert.equal(small.status, 200);
  assert.match(small.headers['x-request-id'], /^[0-9a-f]{32}$/);
  assert.equal(seen['x-request-id'], small.headers['x-request-id']);
  assert.match(seen.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  const large = await curl(...ca, '--data-binary', 'x'.repeat(1025), `${base}/web`);
  assert.equal(large.status, 413);
  const line = await gateway.logged((e) => e.event === 'request' && e.status === 413, 'the refused body');
  assert.equal(line.request_id, large.headers['x-request-id']);
  const chunked = await curl(...ca, '-H', 'Transfer-Encoding: chunked', '--data-binary', 'x'.repeat(5000),
    `${base}/web`);
  assert.equal(chunked.status, 413);

  assert.equal((await curl(...ca, '-H', 'Accept: text/html', `${base}/site/b`)).body, '<h1>nothing here</h1>');
  assert.equal((await curl(...ca, '-H', 'Accept: text/html', `${base}/c`)).body, '<h1>nothing here</h1>');
  assert.doesNotMatch((await curl(...ca, `${base}/c`)).body, /<h1>/);
});
