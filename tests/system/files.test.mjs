// Files and redirects with third-party clients: curl, Python's http.client, and node's own.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
import {
  makeCertificates, residentBytes, sanitized, start, startGateway, temporaryFolder, tlsBlock, within,
} from './support.mjs';

const MiB = 1024 * 1024;
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

// Runs a program to completion; returns its output.
async function run(t, command, args) {
  const child = start(t, command, args);
  const code = await within(60000, command, child.exited);
  return { code, output: child.output, errors: child.errors };
}

async function curl(t, ...args) {
  const result = await run(t, 'curl', ['-sS', ...args]);
  assert.equal(result.code, 0, result.errors);
  return result.output;
}

async function serve(t, { options = '', more = '' } = {}) {
  const folder = temporaryFolder(t);
  const root = path.join(folder, 'site');
  fs.mkdirSync(path.join(root, 'docs'), { recursive: true });
  const old = new Date('2020-09-13T12:26:40Z');
  const write = (name, data) => {
    fs.writeFileSync(path.join(root, name), data);
    fs.utimesSync(path.join(root, name), old, old);
  };
  write('index.html', '<h1>home</h1>');
  write('docs/index.html', 'docs');
  const certificates = makeCertificates(folder);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" }, { address: "127.0.0.1:0", ${tlsBlock(certificates)} } ]
workers: 1
routes:
  - { path: /old/*, plugin: redirect, options: { to: "http://{host}:{port}/docs{rest}" } }
  - { path: /*, plugin: files, options: { root: site${options} } }
${more}`, { folder });
  return {
    gateway, folder, write, certificates,
    url: (target) => `http://127.0.0.1:${gateway.ports[0]}${target}`,
    secureUrl: (target) => `https://localhost:${gateway.ports[1]}${target}`,
    at: (name) => path.join(folder, name),
  };
}

test('curl resumes a download where it stopped', async (t) => {
  const site = await serve(t);
  const data = crypto.randomBytes(3 * MiB + 17);
  site.write('large.bin', data);
  fs.writeFileSync(site.at('part'), data.subarray(0, MiB + 1));
  const printed = await curl(t, '-C', '-', '-o', site.at('part'), '-w', '%{http_code} %{size_download}',
    site.url('/large.bin'));
  assert.equal(printed, `206 ${2 * MiB + 16}`);
  assert.equal(sha256(fs.readFileSync(site.at('part'))), sha256(data));
  // The file is already complete.
  const again = await run(t, 'curl',
    ['-sS', '-C', '-', '-o', site.at('part'), '-w', '%{http_code}', site.url('/large.bin')]);
  assert.equal(again.output, '416');
  assert.equal(sha256(fs.readFileSync(site.at('part'))), sha256(data));
  const parts = await curl(t, '-r', '0-3,-2', site.url('/index.html'));
  assert.match(parts, /Content-Range: bytes 0-3\/13\r\n\r\n<h1>\r\n--/);
  assert.match(parts, /Content-Range: bytes 11-12\/13\r\n\r\n1>\r\n--[0-9a-f]+--\r\n$/);
});

test('curl --compressed gets the precompressed file', async (t) => {
  const site = await serve(t, { options: ', precompressed: true' });
  const text = 'let x = 1;\n'.repeat(10000);
  site.write('app.js', text);
  site.write('app.js.gz', zlib.gzipSync(text));
  site.write('app.js.br', zlib.brotliCompressSync(text));
  for (const accept of ['gzip', 'br']) {
    const printed = await curl(t, '--compressed', '-H', `Accept-Encoding: ${accept}`, '-o', site.at('out'), '-w',
      '%{http_code} %{size_download} %{content_type}', site.url('/app.js'));
    const size = fs.statSync(site.at(`site/app.js.${accept === 'br' ? 'br' : 'gz'}`)).size;
    assert.equal(printed, `200 ${size} text/javascript; charset=utf-8`);
    assert.equal(fs.readFileSync(site.at('out'), 'utf8'), text);
  }
  assert.equal(await curl(t, site.url('/app.js')), text);
});

test('curl downloads again only what has changed', async (t) => {
  const site = await serve(t);
  const ask = (...args) => curl(t, '-o', site.at('out'), '-w', '%{http_code}', ...args, site.url('/index.html'));
  assert.equal(await ask('--etag-save', site.at('etag')), '200');
  assert.equal(await ask('--etag-compare', site.at('etag')), '304');
  assert.equal(await ask('-z', 'Sun, 13 Sep 2020 12:26:40 GMT'), '304');
  assert.equal(await ask('-z', 'Sun, 13 Sep 2020 12:26:39 GMT'), '200');
  fs.writeFileSync(site.at('site/index.html'), '<h1>HOME</h1>');
  assert.equal(await ask('--etag-compare', site.at('etag')), '200');
});

test('curl follows redirects to a folder and from an old path', async (t) => {
  const site = await serve(t);
  assert.equal(await curl(t, '-L', site.url('/docs')), 'docs');
  assert.equal(await curl(t, '-L', site.url('/old')), 'docs');
  const printed = await curl(t, '-L', '-w', ' %{num_redirects} %{url_effective}', site.url('/old/index.html'));
  assert.equal(printed, `docs 1 ${site.url('/docs/index.html')}`);
  assert.equal(await curl(t, '--path-as-is', '-o', site.at('out'), '-w', '%{http_code}', site.url('/../upgate.yaml')),
    '404');
  assert.equal(await curl(t, '--path-as-is', '-o', site.at('out'), '-w', '%{http_code}', site.url('/..%2fupgate.yaml')),
    '404');
});

test('the http.client of Python reads ranges and whole files on one connection', async (t) => {
  const site = await serve(t);
  const data = crypto.randomBytes(2 * MiB);
  site.write('large.bin', data);
  const script = `
import hashlib, http.client
c = http.client.HTTPConnection('127.0.0.1', ${site.gateway.ports[0]}, timeout=30)
def ask(method, path, **headers):
    c.request(method, path, headers={k.replace('_', '-'): v for k, v in headers.items()})
    r = c.getresponse()
    return r, r.read()
r, whole = ask('GET', '/large.bin')
print(r.status, r.getheader('Content-Length'), hashlib.sha256(whole).hexdigest())
tag = r.getheader('ETag')
r, body = ask('HEAD', '/large.bin')
print(r.status, r.getheader('Content-Length'), len(body), r.getheader('ETag') == tag)
pieces = b''
for at in range(0, len(whole), 300000):
    r, body = ask('GET', '/large.bin', Range='bytes=%d-%d' % (at, at + 299999), If_Range=tag)
    assert r.status == 206, r.status
    pieces += body
print(pieces == whole)
r, body = ask('GET', '/large.bin', If_None_Match=tag)
print(r.status, len(body))
r, body = ask('POST', '/large.bin')
print(r.status, r.getheader('Allow'))
`;
  const result = await run(t, 'python3', ['-c', script]);
  assert.equal(result.code, 0, result.errors);
  assert.deepEqual(result.output.trim().split('\n'), [
    `200 ${2 * MiB} ${sha256(data)}`, `200 ${2 * MiB} 0 True`, 'True', '304 0', '405 GET, HEAD, OPTIONS',
  ]);
});

// Downloads a sparse file, which takes no disk space. Resolves to the SHA-256 of the body.
function download(site, { secure = false } = {}) {
  const hash = crypto.createHash('sha256');
  const child = { received: 0 };
  const get = secure ? site.https.get : http.get;
  const options = secure ? { ca: site.certificates.ca, agent: false } : { agent: false };
  child.done = new Promise((resolve, reject) => {
    get(secure ? site.secureUrl('/sparse.bin') : site.url('/sparse.bin'), options, (answer) => {
      child.answer = answer;
      answer.on('data', (data) => { child.received += data.length; hash.update(data); child.progressed?.(); });
      answer.on('end', () => resolve(hash.digest('hex')));
      answer.on('error', reject);
    }).on('error', reject);
  });
  return child;
}

for (const secure of [false, true]) {
  test(`a download of half a GiB (${secure ? 'https' : 'http'}) is complete and takes no memory`, { timeout: 300000 },
    async (t) => {
    const total = (sanitized ? 64 : 512) * MiB;
    const site = await serve(t);
    site.https = await import('node:https');
    site.write('sparse.bin', 'begin');
    fs.truncateSync(site.at('site/sparse.bin'), total - 3);
    fs.appendFileSync(site.at('site/sparse.bin'), 'end');
    const expected = crypto.createHash('sha256').update('begin');
    for (let left = total - 8; left > 0; left -= MiB) expected.update(Buffer.alloc(Math.min(left, MiB)));
    expected.update('end');
    await curl(t, '-k', '-o', '/dev/null', secure ? site.secureUrl('/') : site.url('/'));
    const before = residentBytes(site.gateway.pid);
    let most = 0;
    const one = download(site, { secure });
    one.progressed = () => { most = Math.max(most, residentBytes(site.gateway.pid)); };
    assert.equal(await within(280000, 'the download', one.done), expected.digest('hex'));
    assert.equal(one.received, total);
    t.diagnostic(`resident memory grew by at most ${most - before} bytes`);
    if (!sanitized) assert.ok(most - before < 4 * MiB, `grew by ${most - before} bytes`);
  });
}

test('of two downloads on one loop neither waits for the other', { timeout: 300000 }, async (t) => {
  const total = (sanitized ? 64 : 256) * MiB;
  const site = await serve(t);
  site.write('sparse.bin', '');
  fs.truncateSync(site.at('site/sparse.bin'), total);
  const first = download(site);
  const second = download(site);
  // When one has finished, the other must have made progress on the same loop: more than the system's buffers hold,
  // although a busy client may have read the one first.
  const atEnd = await within(280000, 'the first of both', Promise.race([
    first.done.then(() => second.received), second.done.then(() => first.received),
  ]));
  t.diagnostic(`the other one had ${atEnd} of ${total} bytes by then`);
  assert.ok(atEnd > total / 32, `the other one had ${atEnd} bytes`);
  assert.equal(await first.done, await second.done);
});

test('clients that stop reading hold one descriptor each, and give it back', async (t) => {
  const site = await serve(t);
  site.write('sparse.bin', '');
  fs.truncateSync(site.at('site/sparse.bin'), 64 * MiB);
  const descriptors = () => fs.readdirSync(`/proc/${site.gateway.pid}/fd`)
    .filter((fd) => {
      try {
        return fs.readlinkSync(`/proc/${site.gateway.pid}/fd/${fd}`).endsWith('sparse.bin');
      } catch {
        return false;
      }
    }).length;
  const answers = await Promise.all(Array.from({ length: 20 }, () => new Promise((resolve, reject) => {
    http.get(site.url('/sparse.bin'), { agent: false }, resolve).on('error', reject);
  })));
  assert.equal(descriptors(), 20);
  for (const answer of answers) answer.destroy();
  await within(20000, 'the files to be closed', (async () => {
    while (descriptors() > 0) await new Promise((resolve) => setImmediate(resolve));
  })());
});
