// Standard error and standard output with a reader that has gone or does not read, and closed ones: the gateway neither
// waits for them nor ends because of them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RawClient, binary, frame, start, startGateway, temporaryFolder, within } from './support.mjs';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

const upgrade = (path, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;

// Polls until `attempt` returns a truthy value.
async function eventually(what, attempt) {
  let over = false;
  const poll = async () => {
    for (;;) {
      const result = await attempt();
      if (result || over) return result;
      await delay(10);
    }
  };
  return within(20000, what, poll()).finally(() => (over = true));
}

// `to` is a port, or the path of a unix socket.
async function connect(to) {
  const socket = net.connect(typeof to === 'number' ? { port: to, host: '127.0.0.1' } : { path: to });
  await once(socket, 'connect');
  return new RawClient(socket);
}

async function get(to, target) {
  const client = await connect(to);
  client.send(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const answer = await client.end();
  return { status: Number(answer.split(' ')[1]), text: answer };
}

async function linesLost(admin) {
  return Number(/^upgate_log_lines_lost_total (\d+)$/m.exec((await get(admin, '/metrics')).text)[1]);
}

async function openSession(to) {
  const client = await connect(to);
  client.send(upgrade('/'));
  assert.match(await client.head(), /^HTTP\/1.1 101 /);
  return client;
}

async function echoes(session, text) {
  session.send(frame(1, text));
  await session.until((c) => c.received.endsWith(text), 'the echo');
}

async function refusedHandshake(to, headers) {
  const client = await connect(to);
  client.send(upgrade('/nowhere', headers));
  assert.match(await client.head(), /^HTTP\/1.1 404 /);
  client.close();
}

// A configuration with unix sockets, for tests that cannot read ports from the log.
function configure(folder) {
  const at = { clients: `${folder}/clients.sock`, admin: `${folder}/admin.sock`, file: `${folder}/upgate.yaml` };
  fs.writeFileSync(at.file, `listeners: [ { address: "unix:${at.clients}" } ]
admin: { address: "unix:${at.admin}" }
log: { format: json }
workers: 2
routes: [ { path: /, plugin: echo } ]
`);
  return at;
}

const serving = (at) =>
  eventually('upgate to serve', () => get(at.admin, '/readyz').then((answer) => answer.status === 200, () => false));

async function stopsInOrder(child, session) {
  child.kill('SIGTERM');
  await session.until((c) => c.received.includes('\x88') && c.received.includes('\x03\xe9'), 'Close 1001');
  session.send(frame(8, '\x03\xe9'));
  assert.equal(await within(20000, 'the end', child.exited), 0);
}

// A pipe with both ends in this process until a child gets the write end.
function makePipe(t) {
  const file = `${temporaryFolder(t)}/pipe`;
  execFileSync('mkfifo', [file]);
  const pipe = { file, reader: fs.openSync(file, O_RDONLY | O_NONBLOCK), writer: fs.openSync(file, O_WRONLY) };
  pipe.closeReader = () => {
    if (pipe.reader !== undefined) fs.closeSync(pipe.reader);
    pipe.reader = undefined;
  };
  t.after(() => {
    pipe.closeReader();
    fs.closeSync(pipe.writer);
  });
  return pipe;
}

// A pipe that is full, so that its next writer blocks until somebody reads.
function makeFullPipe(t) {
  const pipe = makePipe(t);
  const filler = fs.openSync(pipe.file, O_WRONLY | O_NONBLOCK);
  const fill = () => { for (;;) fs.writeSync(filler, Buffer.alloc(4096, '#')); };
  assert.throws(fill, { code: 'EAGAIN' });
  fs.closeSync(filler);
  return pipe;
}

function makeBrokenPipe(t) {
  const pipe = makePipe(t);
  pipe.closeReader();
  return pipe;
}

test('sessions survive the reader of the log', async (t) => {
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
routes: [ { path: /, plugin: echo } ]
`);
  const session = await openSession(gateway.ports[0]);
  await echoes(session, 'before');
  assert.equal(await linesLost(gateway.admin), 0);
  gateway.child.stderr.destroy();
  await eventually('lost lines to be counted', async () => {
    await refusedHandshake(gateway.ports[0]);
    return await linesLost(gateway.admin) > 0;
  });
  const { process: numbers } = await gateway.stats();
  assert.ok(numbers.log_lines_lost > 0);
  await echoes(session, 'after');
  await stopsInOrder(gateway.child, session);
});

test('nobody waits for the reader of a full pipe', async (t) => {
  const at = configure(temporaryFolder(t));
  const pipe = makeFullPipe(t);
  const child = start(t, binary, ['run', '--config', at.file], { stdio: ['ignore', 'pipe', pipe.writer] });
  await serving(at);
  const session = await openSession(at.clients);
  await echoes(session, 'hello');
  assert.equal((await get(at.admin, '/healthz')).status, 200);
  await stopsInOrder(child, session);
});

test('lines that do not fit in the log queue are counted, and reported once there is room', async (t) => {
  const at = configure(temporaryFolder(t));
  const pipe = makeFullPipe(t);
  const child = start(t, binary, ['run', '--config', at.file], { stdio: ['ignore', 'pipe', pipe.writer] });
  await serving(at);
  const large = `Origin: http://${'"'.repeat(30_000)}\r\n`;
  const lost = await eventually('lost lines to be counted', async () => {
    await refusedHandshake(at.clients, large);
    return linesLost(at.admin);
  });
  const session = await openSession(at.clients);
  await echoes(session, 'hello');
  await eventually('small lines to be lost, too, so that the gap is contiguous', async () =>
    (await linesLost(at.admin)) > lost);
  // The socket takes ownership of the descriptor.
  const reader = new net.Socket({ fd: pipe.reader, readable: true, writable: false });
  pipe.reader = undefined;
  t.after(() => reader.destroy());
  let text = '';
  const told = within(20000, 'the line about lost lines', new Promise((resolve) => {
    reader.on('data', (data) => {
      text += data;
      const notice = /^(\{.*"event":"log lines lost".*\})$/m.exec(text);
      if (notice) resolve(JSON.parse(notice[1]));
    });
  }));
  const { time, ...notice } = await told;
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual({ ...notice, count: 0 }, { level: 'warn', event: 'log lines lost', count: 0 });
  await eventually('the count to match the statistics', async () => (await linesLost(at.admin)) === notice.count);
  await stopsInOrder(child, session);
  await eventually('the last line', () => text.includes('"event":"stopped"'));
  assert.match(text, /"event":"session close"/);
});

for (const closed of [[0], [1], [2], [0, 1, 2]]) {
  test(`upgate run serves when descriptors ${closed} are closed`, async (t) => {
    const at = configure(temporaryFolder(t));
    const redirections = closed.map((fd) => `${fd}>&-`).join(' ');
    const child = start(t, 'sh', ['-c', `exec "$0" run --config "$1" ${redirections}`, binary, at.file]);
    await serving(at);
    for (const fd of closed) assert.equal(fs.readlinkSync(`/proc/${child.pid}/fd/${fd}`), '/dev/null');
    const session = await openSession(at.clients);
    await echoes(session, 'hello');
    await stopsInOrder(child, session);
    if (!closed.includes(2)) assert.match(child.errors, /"event":"session open"/);
  });
}

test('upgate run exits on configuration errors even if nobody reads them', async (t) => {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file, 'listeners: [ { adress: "127.0.0.1:0" } ]\n');
  for (const pipe of [makeFullPipe(t), makeBrokenPipe(t)]) {
    const child = start(t, binary, ['run', '--config', file], { stdio: ['ignore', 'pipe', pipe.writer] });
    assert.equal(await within(20000, 'the end', child.exited), 1);
  }
});

test('commands whose output nobody reads exit with 1', async (t) => {
  const at = configure(temporaryFolder(t));
  const full = fs.openSync('/dev/full', 'w');
  t.after(() => fs.closeSync(full));
  for (const args of [['version'], ['--help'], ['check', at.file], ['explain', '-c', at.file, '/']]) {
    const unread = start(t, binary, args, { stdio: ['ignore', makeBrokenPipe(t).writer, 'pipe'] });
    assert.equal(await within(20000, `upgate ${args[0]}`, unread.exited), 1, args[0]);
    assert.equal(unread.errors, '');
    const unwritten = start(t, binary, args, { stdio: ['ignore', full, 'pipe'] });
    assert.equal(await within(20000, `upgate ${args[0]}`, unwritten.exited), 1, args[0]);
    await eventually('the reason', () => unwritten.errors.includes('No space left on device'));
  }
  for (const args of [['nonsense'], ['check', 'none.yaml'], ['probe', 'http://127.0.0.1:1/'],
    ['explain', '-c', 'none.yaml', '/']]) {
    const child = start(t, binary, args, { stdio: ['ignore', 'pipe', makeBrokenPipe(t).writer] });
    assert.equal(await within(20000, `upgate ${args[0]}`, child.exited), args[0] === 'nonsense' ? 2 : 1, args[0]);
  }
});

for (const [what, make] of [['has gone', makeBrokenPipe], ['does not read', makeFullPipe]]) {
  test(`the demo serves when the reader of its output ${what}`, async (t) => {
    const temporary = temporaryFolder(t);
    const pipe = make(t);
    const child = start(t, binary, ['demo', '--port', '0', '--tls-port', '0'],
      { stdio: ['ignore', pipe.writer, pipe.writer], env: { ...process.env, TMPDIR: temporary } });
    const facts = await eventually('the ports', () => {
      const name = fs.readdirSync(temporary, { recursive: true }).find((entry) => entry.endsWith('demo.json'));
      const text = name ? fs.readFileSync(`${temporary}/${name}`, 'utf8') : '';
      return text.endsWith('}') && JSON.parse(text);
    });
    assert.equal((await get(facts.http, '/')).status, 200);
    child.kill('SIGTERM');
    assert.equal(await within(20000, 'the end', child.exited), 0);
    assert.deepEqual(fs.readdirSync(temporary), []);
  });
}
