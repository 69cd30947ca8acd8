// noVNC in Chromium draws the desktops of real VNC servers, through the gateway and through Debian's websockify, with
// the same token file. The gateway's configuration is that of docs/from-websockify.md.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from './chromium.mjs';
import {
  binary, start, startGateway, temporaryFolder, untilAccepted, unusedPort, within,
} from './support.mjs';

const kNovnc = '/usr/share/novnc';
const kWidth = 320;
const kHeight = 240;
const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

// A desktop of one colour. The X server chooses its display number and reports it when it is ready.
async function startDesktop(t, colour) {
  const port = await unusedPort();
  const server = start(t, 'Xvnc', ['-displayfd', '1', '-rfbport', String(port), '-interface', '127.0.0.1',
    '-SecurityTypes', 'None', '-AlwaysShared', '-geometry', `${kWidth}x${kHeight}`, '-depth', '24',
    '-nolisten', 'tcp', '-ac']);
  const ended = server.exited.then((code) => { throw new Error(`Xvnc ended with ${code}: ${server.errors}`); });
  ended.catch(() => {});
  await within(20000, 'Xvnc to serve', Promise.race([ended, once(server.stdout, 'data')]));
  const display = `:${server.output.trim()}`;
  const paint = (to) => execFileSync('xsetroot', ['-display', display, '-solid', to]);
  paint(colour);
  return { port, paint };
}

// The YAML block of the page's section on token files, for these servers.
function documented(file, ports) {
  const page = fs.readFileSync(`${docs}from-websockify.md`, 'utf8');
  const yaml = page.split('\n## Many servers, by a token file\n')[1].split('```yaml\n')[1].split('```')[0];
  const changes = [
    ['127.0.0.1:6080', '127.0.0.1:0'],
    ['file: /etc/vnc-tokens ', `file: ${file} `],
    ['"10.0.0.0/24:5900-5999"', ports.map((port) => `"127.0.0.1:${port}"`).join(', ')],
  ];
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the page has ${from}`);
    return text.replace(from, to);
  }, yaml);
}

async function startRelay(t, file, ports) {
  const child = start(t, binary, ['relay', '--listen', '127.0.0.1:0', '--token-file', file, '--web', kNovnc,
    ...ports.flatMap((port) => ['--allow', `127.0.0.1:${port}`])]);
  return within(20000, 'upgate relay to listen', new Promise((resolve) => {
    child.stderr.on('data', () => {
      const address = /listening address="?127\.0\.0\.1:(\d+)/.exec(child.errors);
      if (address) resolve(Number(address[1]));
    });
  }));
}

async function startWebsockify(t, file) {
  const port = await unusedPort();
  start(t, 'websockify',
    ['--web', kNovnc, '--token-plugin', 'TokenFile', '--token-source', file, `127.0.0.1:${port}`]);
  await within(20000, 'websockify to serve', untilAccepted(port));
  return port;
}

// Resolves when all of noVNC's canvas has the colour.
const drawn = (page, colour) => page.waitForFunction(([want, width, height]) => {
  const canvas = document.querySelector('#noVNC_container canvas');
  if (canvas?.width !== width || canvas.height !== height) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(want.slice(at, at + 2), 16));
  for (let at = 0; at < data.length; at += 4)
    if (data[at] !== red || data[at + 1] !== green || data[at + 2] !== blue) return false;
  return true;
}, [colour, kWidth, kHeight], { timeout: 60000 });

// The colours of a screenshot of the desktop, as the user sees it. The browser decodes the picture.
async function seenColours(page) {
  const picture = await page.locator('#noVNC_container canvas').screenshot();
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const colours = {};
    for (let at = 0; at < data.length; at += 4) {
      const name = `#${[...data.slice(at, at + 3)].map((c) => c.toString(16).padStart(2, '0')).join('')}`;
      colours[name] = (colours[name] ?? 0) + 1;
    }
    return colours;
  }, picture.toString('base64'));
}

test('noVNC draws two desktops, by the tokens of a file', { timeout: 540000 }, async (t) => {
  const folder = temporaryFolder(t);
  const desktops = { alice: await startDesktop(t, '#c02040'), bob: await startDesktop(t, '#2060c0') };
  const colours = { alice: '#c02040', bob: '#2060c0' };
  const file = path.join(folder, 'tokens');
  const ports = Object.values(desktops).map(({ port }) => port);
  fs.writeFileSync(file, `# token: host:port\nalice: 127.0.0.1:${ports[0]}\nbob: 127.0.0.1:${ports[1]}\n`);

  const gateway = await startGateway(t, documented(file, ports));
  const ways = {
    'upgate run': gateway.ports[0],
    'upgate relay': await startRelay(t, file, ports),
    websockify: await startWebsockify(t, file),
  };
  const browser = await launchChromium('--force-color-profile=srgb');
  t.after(() => browser.close());

  for (const [way, port] of Object.entries(ways)) {
    for (const [token, colour] of Object.entries(colours)) {
      await t.test(`${token} through ${way}`, async () => {
        const page = await browser.newPage();
        // The address that docs/from-websockify.md gives.
        await page.goto(`http://127.0.0.1:${port}/vnc.html?path=websockify%3Ftoken%3D${token}&autoconnect=true`);
        await drawn(page, colour);
        assert.deepEqual(await seenColours(page), { [colour]: kWidth * kHeight });
        // What the server draws later arrives in the same session.
        desktops[token].paint('#309050');
        await drawn(page, '#309050');
        desktops[token].paint(colour);
        await drawn(page, colour);
        await page.close();
      });
    }
  }

  await t.test('a token that is not in the file', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${gateway.ports[0]}/vnc.html?path=websockify%3Ftoken%3Dcarol&autoconnect=true`);
    await page.locator('#noVNC_status.noVNC_status_error').waitFor({ timeout: 60000 });
    assert.equal(await page.locator('#noVNC_container canvas').count(), 0);
    await page.close();
  });
});
