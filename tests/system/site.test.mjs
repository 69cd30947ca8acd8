// A site in Chromium, directly from its server and through the gateway, with and without TLS: the page must not see a
// difference.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { launchChromium } from './chromium.mjs';
import { listen, makeCertificates, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';

const sha = (data) => crypto.createHash('sha256').update(data).digest('hex');
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const upload = Buffer.alloc(3 << 20, 'what a form sends ');

const files = {
  '/': ['text/html', `<!doctype html><title>site</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<script src="/script.js" defer></script><img id="image" src="/pixel.png">
<form id="form" method="post" action="/form" enctype="multipart/form-data"><input name="note" value="grüße &amp; more">
<input id="file" type="file" name="file"></form>`],
  '/style.css': ['text/css', 'body { color: rgb(1, 2, 3); }'],
  '/script.js': ['text/javascript', 'window.loaded = "by the script";'],
  '/pixel.png': ['image/png', pixel],
  '/other': ['text/html', '<!doctype html><title>other</title><link rel="icon" href="data:,">'],
};

function bodyOf(request) {
  return new Promise((resolve) => {
    const pieces = [];
    request.on('data', (data) => pieces.push(data)).on('end', () => resolve(Buffer.concat(pieces)));
  });
}

// The parts of a multipart/form-data body: names and contents.
function partsOf(body, type) {
  const boundary = `--${/boundary=(.*)$/.exec(type)[1]}`;
  return body.toString('latin1').split(boundary).slice(1, -1).map((part) => {
    const end = part.indexOf('\r\n\r\n');
    const content = Buffer.from(part.slice(end + 4, -2), 'latin1');
    return { head: part.slice(2, end), size: content.length, sha: sha(content) };
  });
}

// The site. It records requests and responses; `confirmed` is the last event that the page has seen.
class Site {
  log = [];
  confirmed = 0;
  waiting = [];

  static async start(t) {
    const site = new Site();
    const server = http.createServer((request, response) => {
      // A stream of events may never end.
      const streams = request.url === '/events';
      if (streams) site.log.push('GET /events');
      else response.on('finish', () => site.log.push(`${request.method} ${request.url} ${response.statusCode}`));
      site.serve(request, response);
    });
    const sockets = new WebSocketServer({ server, path: '/socket', perMessageDeflate: { threshold: 0 },
      handleProtocols: (offers) => (offers.has('chat') ? 'chat' : false) });
    sockets.on('connection', (socket, request) => {
      socket.send(`cookies: ${request.headers.cookie ?? ''}`);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
    site.port = await listen(t, server);
    return site;
  }

  async serve(request, response) {
    const url = new URL(request.url, 'http://site');
    const json = (status, value, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(value));
    };
    if (files[url.pathname]) {
      const [type, content] = files[url.pathname];
      const etag = `"${sha(content).slice(0, 16)}"`;
      const headers = { 'content-type': type, etag, 'cache-control': 'no-cache' };
      const unchanged = request.headers['if-none-match'] === etag;
      return response.writeHead(unchanged ? 304 : 200, headers).end(unchanged ? undefined : content);
    }
    switch (url.pathname) {
      case '/api': {
        const body = await bodyOf(request);
        return json(201, { method: request.method, type: request.headers['content-type'], got: JSON.parse(body) },
          { 'x-answer': 'yes', 'x-list': ['a', 'b'] });
      }
      case '/login':
        response.setHeader('set-cookie', ['session=abc; HttpOnly; Path=/', 'theme=dark; Path=/; SameSite=Lax']);
        return json(200, {});
      case '/cookies':
        return json(200, { cookies: request.headers.cookie });
      case '/redirect':
        return response.writeHead(302, { location: '/other?from=redirect' }).end();
      case '/redirect-host':
        return response.writeHead(307, { location: `//${request.headers.host}/api` }).end();
      case '/form':
        return json(200, partsOf(await bodyOf(request), request.headers['content-type']));
      case '/confirm':
        this.confirmed = Number(url.searchParams.get('id'));
        for (const waiter of this.waiting.splice(0)) waiter();
        return json(200, {});
      case '/events':
        return this.sendEvents(request, response);
      default:
        return response.writeHead(404, { 'content-type': 'text/plain' }).end('there is no such page');
    }
  }

  // Sends each event only after the page has confirmed the previous one. The connection ends after the third, and the
  // browser reconnects for the rest.
  async sendEvents(request, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const first = Number(request.headers['last-event-id'] ?? 0) + 1;
    response.write('retry: 1\n\n');
    for (let id = first; id <= 6; ++id) {
      response.write(`id: ${id}\nevent: count\ndata: {"id": ${id},\ndata: "text": "grüße"}\n\n`);
      while (this.confirmed < id) await new Promise((resolve) => this.waiting.push(resolve));
      if (id === 3) return response.end();
    }
    // Now the page has to close it.
    return undefined;
  }
}

// Runs in the page. The result contains no host names or ports.
async function visit() {
  const own = (text) => text.replaceAll(location.origin, 'ORIGIN').replaceAll(location.host, 'HOST');
  // Headers that depend on the connection or the time.
  const passing = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'server', 'via']);
  const ask = async (path, options) => {
    const answer = await fetch(path, options);
    return {
      status: answer.status, text: answer.statusText, url: own(answer.url), redirected: answer.redirected,
      headers: [...answer.headers].filter(([name]) => !passing.has(name)), body: await answer.text(),
    };
  };
  const result = {};
  const image = document.getElementById('image');
  result.page = {
    title: document.title, color: getComputedStyle(document.body).color, script: window.loaded,
    image: [image.complete, image.naturalWidth],
  };
  const post = { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'grüße', list: [1, 2] }) };
  result.api = await ask('/api', post);
  result.put = await ask('/api', { ...post, method: 'PUT' });
  result.login = await ask('/login');
  result.cookies = await ask('/cookies');
  result.documentCookie = document.cookie;
  result.redirect = await ask('/redirect');
  result.redirectHost = await ask('/redirect-host', post);
  result.manual = (await fetch('/redirect', { redirect: 'manual' })).type;
  result.missing = await ask('/missing/%2F%20?a=%26');
  result.head = await ask('/', { method: 'HEAD' });
  result.validated = await ask('/style.css', { cache: 'no-cache' });

  const form = new FormData();
  form.append('text', 'plain');
  form.append('blob', new File([new Uint8Array(1 << 20).fill(7)], 'seven.bin', { type: 'application/x-seven' }));
  result.form = await ask('/form', { method: 'POST', body: form });

  result.events = await new Promise((resolve) => {
    const seen = [];
    const events = new EventSource('/events');
    events.addEventListener('count', async (event) => {
      seen.push([event.lastEventId, JSON.parse(event.data), own(event.origin)]);
      await fetch(`/confirm?id=${event.lastEventId}`);
      if (event.lastEventId !== '6') return;
      events.close();
      resolve(seen);
    });
  });

  result.socket = await new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/socket`, ['other', 'chat']);
    socket.binaryType = 'arraybuffer';
    const seen = [];
    socket.onopen = () => {
      seen.push([own(socket.url).replace('wss:', 'ws:'), socket.protocol, socket.extensions]);
      socket.send('grüße '.repeat(10000));
      socket.send(new Uint8Array(200000).fill(9));
      socket.send('');
    };
    socket.onmessage = ({ data }) => {
      seen.push(typeof data === 'string'
        ? [data.length, data.slice(0, 100)] : [data.byteLength, new Uint8Array(data).every((b) => b === 9)]);
      if (seen.length === 5) socket.close(3001, 'enough');
    };
    socket.onclose = (event) => resolve([...seen, event.code, event.reason, event.wasClean]);
  });
  return result;
}

test('a site behaves the same with and without the gateway', { timeout: 180000 }, async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder, ['site.test']);
  // Trusted, not only tolerated: the browser does not cache responses with certificate errors.
  const key = new crypto.X509Certificate(fs.readFileSync(certificates.cert))
    .publicKey.export({ type: 'spki', format: 'der' });
  const browser = await launchChromium(
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${crypto.createHash('sha256').update(key).digest('base64')}`);
  t.after(() => browser.close());

  // Records everything that the page, the browser and the server observe of the site at `base`.
  const observe = async (base, site) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const observed = { errors: [] };
    page.on('pageerror', (error) => observed.errors.push(String(error)));
    await page.goto(`${base}/`, { waitUntil: 'load' });
    observed.page = await within(60000, 'the page', page.evaluate(visit));

    await page.setInputFiles('#file', { name: 'upload.bin', mimeType: 'application/octet-stream', buffer: upload });
    await Promise.all([page.waitForURL('**/form'), page.evaluate(() => document.getElementById('form').submit())]);
    observed.upload = JSON.parse(await page.evaluate(() => document.body.innerText));

    await page.goto(`${base}/other`);
    await page.goto(`${base}/`, { waitUntil: 'load' });
    await page.goBack();
    observed.back = await page.title();
    observed.reloaded = [(await page.reload()).status(), await page.title()];
    observed.cookies = (await context.cookies(base))
      .map(({ name, value, httpOnly, sameSite, path, domain }) => ({ name, value, httpOnly, sameSite, path, domain }));
    await context.close();
    observed.server = site.log.toSorted();
    return observed;
  };

  const direct = await Site.start(t);
  const without = await observe(`http://site.test:${direct.port}`, direct);
  assert.deepEqual(without.page.page,
    { title: 'site', color: 'rgb(1, 2, 3)', script: 'by the script', image: [true, 1] });
  assert.equal(without.page.events.length, 6);
  assert.equal(without.page.socket.at(-1), true);
  assert.equal(without.upload[1].sha, sha(upload));
  assert.ok(without.server.some((line) => line.endsWith(' 304')), 'the browser asks whether things have changed');

  for (const scheme of ['http', 'https']) {
    await t.test(scheme, async (t) => {
      const site = await Site.start(t);
      const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0"${scheme === 'https' ? `, ${tlsBlock(certificates)}` : ''} } ]
backends: { site: { servers: [ "http://127.0.0.1:${site.port}" ] } }
routes: [ { path: "/*", backend: site } ]
`, { folder: temporaryFolder(t) });
      assert.deepEqual(await observe(`${scheme}://site.test:${gateway.ports[0]}`, site), without);
    });
  }
});
