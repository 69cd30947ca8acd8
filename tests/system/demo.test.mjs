// The demo from the user's point of view: upgate demo, and Chromium on its page.
import test, { after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchChromium } from './chromium.mjs';
import { binary, start, temporaryFolder, within } from './support.mjs';

const kDesktop = { width: 1280, height: 800 };
// Shown in README.md; UPDATE_SCREENSHOT=1 takes a new one.
const kPicture = fileURLToPath(new URL('../../deploy/demo/screenshot.png', import.meta.url));
const kPhone = { width: 360, height: 740 };

async function startDemo(t) {
  const temporary = temporaryFolder(t);
  const demo = start(t, binary, ['demo', '--port', '0', '--tls-port', '0'],
    { env: { ...process.env, TMPDIR: temporary } });
  await within(20000, 'the URLs', new Promise((resolve, reject) => {
    demo.stdout.on('data', () => demo.output.includes('Ctrl-C') && resolve());
    demo.exited.then((code) => reject(new Error(`demo ended with ${code}: ${demo.errors}`)));
  }));
  const url = (scheme) => new RegExp(`${scheme}://localhost:\\d+/`).exec(demo.output)[0];
  return { demo, temporary, plain: url('http'), secure: url('https') };
}

// What a command prints that a reader copies into a terminal.
function shell(command) {
  const { stdout, stderr, error } = spawnSync('sh', ['-c', command], { encoding: 'latin1', timeout: 30000 });
  assert.equal(error, undefined, command);
  assert.ok(!stderr.includes('not found'), stderr);
  return stdout;
}

// One browser for all tests: each page gets a context of its own.
const browser = await launchChromium('--disable-lcd-text');
after(() => browser.close());

// Opens the page and waits until it is ready; page.problems collects console errors.
async function open(t, url, { viewport = kDesktop, colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport, colorScheme });
  t.after(() => context.close());
  const page = await context.newPage();
  page.problems = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.problems.push(message.text()));
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.outside = [];
  page.on('request', (request) => new URL(request.url()).origin !== new URL(url).origin &&
    page.outside.push(request.url()));
  await page.goto(url);
  await page.locator('#snippet', { hasText: 'routes:' }).waitFor();
  await page.locator('.tile dd', { hasText: /^\d/ }).first().waitFor();
  return page;
}

const pick = (page, name) => page.getByRole('radio', { name }).check();
async function connect(page) {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.locator('#state[data-state=open]').waitFor();
}
async function disconnect(page) {
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.locator('#state', { hasText: 'Closed by' }).waitFor();
}
const rows = (page, direction) => page.locator(`#log .data.${direction}`);
async function send(page, text) {
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}
// Sends a message and returns the row of the n-th answer, with its cells joined.
async function exchange(page, text, n = 0) {
  await send(page, text);
  const row = page.locator('#log li', { has: page.locator('.data.received') }).nth(n);
  await row.waitFor();
  return (await row.locator(':scope > :not(time)').allTextContents()).join('|');
}
// A description list as an object.
const facts = (page, id) => page.evaluate((list) => Object.fromEntries([...document.querySelectorAll(`#${list} dt`)]
  .map((dt) => [dt.textContent, dt.nextElementSibling.textContent])), id);
async function burst(page, count) {
  const notes = page.locator('#log .data.note', { hasText: 'burst: ' });
  const before = await notes.count();
  await page.getByLabel('Messages', { exact: true }).fill(String(count));
  await page.getByRole('button', { name: 'Send burst' }).click();
  await notes.nth(before).waitFor({ timeout: 60000 });
  return page.locator('#burst-result').textContent();
}

// Runs in the page: finds elements wider than the screen, and text with too little contrast (WCAG 2.2, success
// criterion 1.4.3).
function layoutProblems() {
  const problems = [];
  if (document.documentElement.scrollWidth > innerWidth)
    problems.push(`scrolls sideways: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colour = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = colour(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || element.closest(':disabled'))
      continue;
    if (![...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim())) continue;
    if (['SCRIPT', 'STYLE', 'OPTION'].includes(element.tagName) || element.classList.contains('skip')) continue;
    const [light, dark] =
      [luminance(colour(getComputedStyle(element).color)), luminance(background(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) problems.push(
      `contrast ${ratio.toFixed(2)}: ${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  }
  return problems;
}

async function namelessControls(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  await session.detach();
  const interactive = ['button', 'link', 'textbox', 'combobox', 'radio', 'checkbox', 'spinbutton', 'tab', 'slider',
    'listbox', 'region', 'tabpanel'];
  const controls = nodes.filter((n) => !n.ignored && interactive.includes(n.role?.value));
  assert.ok(controls.length > 5, 'the tree has controls');
  return controls.filter((n) => !n.name?.value?.trim()).map((n) => n.role.value);
}

test('the page fits, reads well and names its controls', { timeout: 300000 }, async (t) => {
  const { plain } = await startDemo(t);
  for (const [name, viewport] of [['desktop', kDesktop], ['tablet', { width: 900, height: 700 }], ['phone', kPhone]]) {
    for (const colorScheme of ['light', 'dark']) {
      await t.test(`${name}, ${colorScheme}`, async (t) => {
        const page = await open(t, plain, { viewport, colorScheme });
        await pick(page, 'WebSocket server');
        await connect(page);
        await exchange(page, 'a long line '.repeat(40), 1);
        await disconnect(page);
        for (const tab of ['HTTP', 'Statistics', 'Configuration', 'WebSocket']) {
          await page.getByRole('tab', { name: tab }).click();
          await page.getByRole('tabpanel', { name: tab }).waitFor();
          assert.deepEqual(await page.evaluate(layoutProblems), [], tab);
          assert.deepEqual(await namelessControls(page), [], tab);
        }
        assert.deepEqual(page.problems, []);
        assert.deepEqual(page.outside, [], 'nothing is loaded from other hosts');
      });
    }
  }
});

test('the keyboard reaches the tabs, the routes and the message', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  await page.getByRole('tab', { name: 'WebSocket' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tabpanel', { name: 'HTTP' }).waitFor();
  await page.keyboard.press('End');
  await page.getByRole('tabpanel', { name: 'Configuration' }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tabpanel', { name: 'WebSocket' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  assert.ok(await page.getByRole('radio', { name: 'WebSocket server' }).isChecked());
  await page.keyboard.press('ArrowDown');
  await page.locator('#url').focus();
  await page.keyboard.press('Enter');
  await page.locator('#state[data-state=open]').waitFor();
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('typed');
  await page.keyboard.press('Enter');
  await rows(page, 'received').getByText('typed').waitFor();
  assert.deepEqual(page.problems, []);
});

for (const scheme of ['plain', 'secure']) {
  test(`every route works, ${scheme}`, { timeout: 300000 }, async (t) => {
    const { [scheme]: url } = await startDemo(t);
    const ws = url.replace(/^http/, 'ws');

    await t.test('bytes to TCP, in every encoding, and files', async (t) => {
      const page = await open(t, url);
      await connect(page);
      assert.equal((await facts(page, 'asked')).URL, `${ws}echo`);
      assert.match(await exchange(page, 'Grüße'), /^← got\|binary\|7 B\|47 72 c3 bc c3 9f 65 +Gr····e$/);
      await disconnect(page);
      await page.getByLabel('Encoding').selectOption('text');
      await connect(page);
      assert.equal(await exchange(page, 'Grüße', 1), '← got|text|7 B|Grüße');
      await disconnect(page);
      await page.getByLabel('Encoding').selectOption('base64');
      await connect(page);
      assert.equal(await exchange(page, 'Hello', 2), `← got|text|8 B|${btoa('Hello')}`);
      await disconnect(page);
      await page.getByLabel('Encoding').selectOption('binary');
      await connect(page);
      await page.getByRole('radio', { name: 'Hex' }).check();
      assert.match(await exchange(page, '00 ff10', 3), /^← got\|binary\|3 B\|00 ff 10/);
      await page.getByRole('textbox', { name: 'Message', exact: true }).fill('0');
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.getByText('Two hex digits').waitFor();
      await page.getByRole('radio', { name: 'File' }).check();
      await page.getByLabel('File to send')
        .setInputFiles({ name: 'a.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(300, 7) });
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.locator('#log li', { hasText: '← got' }).filter({ hasText: '300 B' }).waitFor();
      assert.deepEqual(page.problems, []);
    });

    await t.test('frames to a WebSocket server, and the request head it received', async (t) => {
      const page = await open(t, url);
      await pick(page, 'WebSocket server');
      await page.getByLabel('Subprotocols').fill('other, echo.v1');
      await connect(page);
      const markup = '<img src=x onerror="document.title=1">';
      assert.equal(await exchange(page, markup, 1), `← got|text|${markup.length} B|${markup}`);
      assert.equal(await page.locator('#log img').count(), 0);
      assert.equal((await facts(page, 'asked')).Subprotocols, 'other, echo.v1');
      const answer = await facts(page, 'answered');
      assert.equal(answer.Subprotocol, 'echo.v1');
      assert.match(answer.Status, /^101;/, 'its phrase and fields stay with the browser');
      // What the command shows is what is sent, and fits what the browser tells.
      const command = await page.locator('#wire').textContent();
      const wire = shell(command);
      assert.match(wire, /^HTTP\/1\.1 101 [^\r]+\r\n/, command);
      assert.match(wire, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
      assert.match(wire, /\r\nSec-WebSocket-Protocol: echo\.v1\r\n/);
      const seen = (await page.locator('#seen').textContent()).split('\n');
      assert.equal(seen[0], 'GET /live HTTP/1.1');
      assert.ok(seen.includes('Sec-WebSocket-Protocol: other, echo.v1'), seen.join('\n'));
      assert.ok(seen.includes(`X-Forwarded-Proto: ${new URL(url).protocol.slice(0, -1)}`), seen.join('\n'));
      assert.ok(seen.some((line) => /^Sec-WebSocket-Key: [\w+/]{22}==$/.test(line)), seen.join('\n'));
      await disconnect(page);
      assert.deepEqual(page.problems, []);
    });

    await t.test('a built-in service, and closing with a code', async (t) => {
      const page = await open(t, url);
      await pick(page, 'Inside the gateway');
      await connect(page);
      assert.equal(await exchange(page, 'hi'), '← got|text|2 B|hi');
      await page.getByLabel('Code', { exact: true }).fill('4321');
      await page.getByLabel('Reason', { exact: true }).fill('because');
      await page.getByRole('button', { name: 'Close', exact: true }).click();
      await page.locator('#closed', { hasText: '4321' }).waitFor();
      const close = await facts(page, 'closed');
      assert.equal(close.Code, '4321 Private use');
      assert.equal(close.Reason, 'because');
      assert.equal(close['Closed by'], 'this page');
      assert.match(close.Clean, /^yes/);
      assert.deepEqual(page.problems, []);
    });

    await t.test('two pages chat', async (t) => {
      const [one, two] = [await open(t, url), await open(t, url, { viewport: kPhone })];
      for (const page of [one, two]) {
        await pick(page, 'Chat room');
        await connect(page);
      }
      await send(one, 'to everybody');
      await rows(two, 'received').getByText('to everybody').waitFor();
      await send(two, 'and back');
      await rows(one, 'received').getByText('and back').waitFor();
      assert.match(await burst(one, 500), /messages\/s/);
      assert.deepEqual([...one.problems, ...two.problems], []);
    });

    await t.test('statistics over the WebSocket', async (t) => {
      const page = await open(t, url);
      await pick(page, 'Statistics');
      await connect(page);
      assert.match(await exchange(page, 'now'), /^← got\|text\|[\d.]+ KiB\|\{"process"/);
      assert.deepEqual(page.problems, []);
    });

    await t.test('HTTP: heads, redirects, events', async (t) => {
      const page = await open(t, url);
      await page.getByRole('tab', { name: 'HTTP' }).click();
      const ask = async (target) => {
        await page.getByLabel('Path', { exact: true }).fill(target);
        await page.locator('#http-send').click();
      };
      await ask('/api/headers');
      await page.locator('#http-state', { hasText: '200 OK' }).waitFor();
      assert.match(await page.locator('#http-head').textContent(),
        /^HTTP 200 OK\n.*content-type: application\/json\n/s);
      assert.match(await page.locator('#http-body').textContent(), /"X-Forwarded-For: 127\.0\.0\.1"/i);
      await ask('/old');
      await page.locator('#http-state', { hasText: 'redirected to /' }).waitFor();
      await page.getByRole('button', { name: 'Start' }).click();
      await page.locator('#events-log', { hasText: 'id 2 ' }).waitFor();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('#events-state', { hasText: 'Stopped' }).waitFor();
      assert.deepEqual(page.problems, []);
      await ask('/nowhere');
      await page.locator('#http-state', { hasText: '404' }).waitFor();
    });
  });
}

test('close codes of the peer are explained', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  const cases = [
    [/^Try 1009/, '1009 Message Too Big', 'the other side'],
    [/^Try 1003/, '1003 Unsupported Data', 'the other side'],
    [/^Try 1007/, '1007 Invalid Frame Payload Data', 'the other side'],
    [/^Try 1006, refused: no sub/, '1006 Abnormal Closure', 'never opened'],
    [/^Try 1006, refused: not a/, '1006 Abnormal Closure', 'never opened'],
  ];
  for (const [name, code, by] of cases) {
    await page.getByRole('button', { name }).click();
    await page.locator('#closed dd', { hasText: code }).waitFor();
    const close = await facts(page, 'closed');
    assert.equal(close.Code, code);
    assert.equal(close['Closed by'], by);
    await page.locator('#state:not([data-state=connecting])').waitFor();
  }
  // Chromium's own messages about the two refusals.
  assert.ok(page.problems.every((p) => p.includes('WebSocket connection to')), page.problems.join('\n'));
  assert.equal(page.problems.length, 2);
});

test('bursts are measured and the numbers change', { timeout: 300000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  for (const name of ['TCP server', 'WebSocket server', 'Inside the gateway']) {
    await pick(page, name);
    await connect(page);
    assert.match(await burst(page, 1000),
      /^[\d,.]+ messages\/s, .*Round trip: p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, max [\d.]+ ms$/, name);
    await disconnect(page);
  }
  await page.getByRole('tab', { name: 'Statistics' }).click();
  const row = page.getByRole('row', { name: '/service-echo' });
  await row.getByText('1,000').first().waitFor();
  assert.equal(await row.getByRole('cell', { name: '1,000', exact: true }).count(), 2, 'in and out');
  await page.locator('#codes', { hasText: '1000 Normal Closure × 3' }).waitFor();
  const points = await page.locator('#chart-messages polyline').first().getAttribute('points');
  assert.ok(points.split(' ').some((p) => Number(p.split(',')[1]) < 50), 'the chart has a peak');
  assert.deepEqual(page.problems, []);
});

test('the log is bounded, can be paused and cleared', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  await pick(page, 'Inside the gateway');
  await connect(page);
  await page.evaluate(() => { for (let i = 0; i < 400; i += 1) send(`row ${i}`); });
  await page.locator('#log-count', { hasText: 'the last 300 of 801' }).waitFor();
  assert.equal(await page.locator('#log li').count(), 300);
  assert.equal(await rows(page, 'received').last().textContent(), 'row 399');
  await page.getByRole('button', { name: 'Clear' }).click();
  assert.equal(await page.locator('#log li').count(), 0);
  await page.getByRole('button', { name: 'Pause' }).click();
  await send(page, 'while paused');
  // The answer is displayed once the gateway has confirmed it.
  await page.waitForFunction(() => entries.some((e) => e.direction === 'received' && e.kept === 'while paused'));
  assert.equal(await page.locator('#log li').count(), 0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await rows(page, 'received').getByText('while paused').waitFor();
});

// Runs in a separate page: the size of an image and its number of colours.
async function pictureFacts(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  return { width: image.width, height: image.height, colours: new Set(pixels).size };
}

test('a screenshot of the demo', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const viewport = { width: 1240, height: 772 };
  const page = await open(t, plain, { viewport });
  await page.getByLabel('Encoding').selectOption('text');
  await connect(page);
  // Waits for the next response of /stats, which updates the charts.
  const tick = () => page.evaluate(() => new Promise((resolve) => {
    const last = before;
    const look = () => (before === last ? setTimeout(look, 20) : resolve());
    look();
  }));
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('{"temperature": 21.5}');
  // Only a picture for README.md needs high bars in its charts.
  const update = process.env.UPDATE_SCREENSHOT === '1';
  for (const count of [1500, 5000, 2500, 7000, 4000, 8000, 3000]) {
    await burst(page, update ? count : count / 50);
    await tick();
  }
  await page.getByRole('button', { name: 'Clear' }).click();
  await exchange(page, 'Hello, TCP');
  await exchange(page, 'Grüße aus dem Browser', 1);
  await exchange(page, '{"temperature": 21.5}', 2);
  await page.getByRole('textbox', { name: 'Message', exact: true }).blur();
  await page.mouse.move(0, 0);
  await page.evaluate(() => scrollTo(0, 0));
  const file = update ? kPicture : `${temporaryFolder(t)}/screenshot.png`;
  await page.screenshot({ path: file });
  const bytes = fs.readFileSync(file);
  assert.ok(bytes.length > 20_000 && (file !== kPicture || bytes.length < 200_000), `${bytes.length} bytes`);
  const blank = await (await browser.newContext()).newPage();
  const picture = await blank.evaluate(pictureFacts, `data:image/png;base64,${bytes.toString('base64')}`);
  assert.deepEqual([picture.width, picture.height], [viewport.width, viewport.height]);
  assert.ok(picture.colours > 50, `${picture.colours} colours`);
});

test('the demo shuts down cleanly with pages open, and leaves no files behind', { timeout: 120000 }, async (t) => {
  const { demo, temporary, plain } = await startDemo(t);
  const page = await open(t, plain);
  assert.equal(fs.readdirSync(temporary).length, 1);
  await pick(page, 'WebSocket server');
  await connect(page);
  await page.getByRole('tab', { name: 'HTTP' }).click();
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('#events-log', { hasText: 'id 1 ' }).waitFor();
  demo.kill('SIGTERM');
  assert.equal(await within(30000, 'the end', demo.exited), 0);
  await page.getByRole('tab', { name: 'WebSocket' }).click();
  await page.locator('#closed', { hasText: '1001 Going Away' }).waitFor();
  assert.deepEqual(fs.readdirSync(temporary), []);
});

test('the commands that it prints work as they stand', { timeout: 120000 }, async (t) => {
  const { demo } = await startDemo(t);
  const commands = demo.output.replaceAll('\\\n', '').split('\n').filter((line) => /^ {2}\S*(upgate|curl) /.test(line));
  assert.equal(commands.length, 6, demo.output);
  const expected = [/^ok: 101 /, /^ok: 101 /, /"method":"GET"/, /event: tick/, /"routes"/,
    /^HTTP\/1\.1 101 [^]*\r\nSec-WebSocket-Accept: /];
  for (const [i, command] of commands.entries())
    assert.match(shell(command.replace('curl --no-buffer', 'curl --no-buffer --max-time 3')), expected[i], command);
});

// Where the labels of a chart's axis stand, as seconds ago, and where its newest and oldest points are.
const axisOf = (page, chart) => page.evaluate((selector) => {
  const box = document.querySelector(selector);
  const { left, width } = box.querySelector('svg').getBoundingClientRect();
  const x = box.querySelector('polyline').getAttribute('points').split(' ').map((p) => Number(p.split(',')[0]));
  return { labels: [...box.querySelectorAll('.axis span')].map((s) => s.textContent), newest: x.at(-1), oldest: x[0],
    inside: [...box.querySelectorAll('.axis span')].every((s) => s.getBoundingClientRect().left >= left - 1 &&
      s.getBoundingClientRect().right <= left + width + 1),
    times: times.map((at) => 60 - (times.at(-1) - at) / 1000), x };
}, chart);

test('charts say when', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  await page.waitForFunction(() => times.length >= 3);
  const tile = await axisOf(page, '.tile');
  assert.deepEqual(tile.labels, ['60 s ago', 'now']);
  await page.getByRole('tab', { name: 'Statistics' }).click();
  const chart = await axisOf(page, '#chart-messages');
  assert.deepEqual(chart.labels, ['60 s ago', '45 s ago', '30 s ago', '15 s ago', 'now']);
  assert.ok(tile.inside && chart.inside, 'labels stay beside their chart');
  assert.equal(chart.newest, 60);
  assert.ok(chart.x.every((x, i) => Math.abs(x - chart.times[i]) < 0.01), 'each point stands at its time');
  // A minute later nothing of it is left but where its line begins.
  await page.evaluate(() => { times.forEach((at, i) => { times[i] = at - 120_000; }); });
  await page.waitForFunction(() => times.length >= 2 && times.at(-1) - times.at(-2) < 60_000);
  const later = await axisOf(page, '#chart-messages');
  assert.ok(later.times.filter((x) => x < 0).length <= 1, later.times.join(' '));
  assert.deepEqual(page.problems, []);
});

test('a chat opens its second window by itself', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain);
  const hint = page.getByText('A chat takes two');
  assert.equal(await hint.isVisible(), false);
  await pick(page, 'Chat room');
  await hint.waitFor();
  const [second] = await Promise.all([
    page.context().waitForEvent('page'), page.getByRole('button', { name: 'Open a second window' }).click()]);
  for (const one of [page, second]) await one.locator('#state[data-state=open]').waitFor();
  await send(second, 'hello from the second');
  await rows(page, 'received').getByText('hello from the second').waitFor();
  await pick(page, 'TCP server');
  assert.equal(await hint.isVisible(), false);
  assert.deepEqual(page.problems, []);
});

test('a phone has the Connect button in sight', { timeout: 120000 }, async (t) => {
  const { plain } = await startDemo(t);
  const page = await open(t, plain, { viewport: { width: 390, height: 664 } });
  const routes = ['TCP server', 'WebSocket server', 'Inside the gateway', 'Chat room', 'Statistics', 'Another URL'];
  // What phones show beside the bars of their browsers, upright and on their side.
  for (const [width, height] of [[390, 664], [360, 640], [375, 553], [320, 568], [844, 390]]) {
    await page.setViewportSize({ width, height });
    for (const name of routes) {
      await pick(page, name);
      await page.evaluate(() => scrollTo(0, 0));
      const box = await page.getByRole('button', { name: 'Connect', exact: true }).boundingBox();
      assert.ok(box.y + box.height <= height, `${width}x${height}, ${name}: ends at ${box.y + box.height}`);
    }
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(scrolls <= width, `${width}x${height} scrolls sideways: ${scrolls}`);
  }
});

test('the demo does not serve its key', async (t) => {
  const { temporary, plain } = await startDemo(t);
  const [folder] = fs.readdirSync(temporary);
  assert.ok(fs.existsSync(`${temporary}/${folder}/demo.key`));
  for (const target of ['demo.key', '../demo.key', '%2e%2e/demo.key', 'site/index.html']) {
    assert.equal((await fetch(plain + target)).status, 404, target);
  }
  const page = await fetch(plain);
  assert.match(page.headers.get('content-type'), /^text\/html/);
});
