// The parts of deploy/compose.yaml without containers: the gateway's configuration, the broker's, and the page in a
// browser.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from './chromium.mjs';
import { startMosquitto } from './mosquitto.mjs';
import { listen, startGateway, temporaryFolder } from './support.mjs';

const shipped = fileURLToPath(new URL('../../deploy/compose', import.meta.url));
const read = (file) => fs.readFileSync(path.join(shipped, file), 'utf8');

// `text` with all `changes` applied; each must match.
function changed(text, changes) {
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(text.includes(from), `${from} stands in it`);
    text = text.replace(from, to);
  }
  return text;
}

// A web server for the files of the page.
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };
const pageServer = (t) => listen(t, http.createServer((request, response) => {
  const name = request.url === '/' ? 'index.html' : path.basename(request.url);
  const file = path.join(shipped, 'web', name);
  if (!fs.existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[path.extname(name)] }).end(fs.readFileSync(file));
}));

test('two pages talk through the broker', { timeout: 120000 }, async (t) => {
  const folder = temporaryFolder(t);
  const broker = await startMosquitto(t, folder, (port) => changed(read('mosquitto.conf'), {
    'listener 1883': `listener ${port} 127.0.0.1`,
  }));
  const web = await pageServer(t);
  const gateway = await startGateway(t, changed(read('upgate.yaml'), {
    '0.0.0.0:8080': '127.0.0.1:0',
    '127.0.0.1:9901': '127.0.0.1:0',
    'tcp://mosquitto:1883': `tcp://127.0.0.1:${broker}`,
    'http://web:8080': `http://127.0.0.1:${web}`,
  }), { folder });

  const browser = await launchChromium();
  t.after(() => browser.close());
  const open = async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${gateway.ports[0]}/`);
    await page.getByText('connected', { exact: true }).waitFor();
    return page;
  };
  const publish = async (page, text) => {
    await page.getByRole('textbox').fill(text);
    await page.getByRole('button').click();
  };
  // The lines that the page shows once the line `last` is there.
  const lines = async (page, last) => {
    await page.locator('li', { hasText: last }).waitFor();
    return page.locator('li').allTextContents();
  };

  const pages = [await open(), await open()];
  const long = 'ü'.repeat(200); // needs two bytes for its length
  await publish(pages[0], 'Grüße');
  await lines(pages[1], 'Grüße');
  await publish(pages[1], long);
  for (const page of pages) assert.deepEqual(await lines(page, long), ['Grüße', long]);

  gateway.child.kill('SIGTERM');
  for (const page of pages) await page.getByText('closed').waitFor();
  assert.equal(await gateway.child.exited, 0);
});
