// One of three servers is killed under load and comes back: what sessions and handshakes notice of it.
//
//   node tests/bench/kill.mjs [PROGRAM] [SESSIONS] [HANDSHAKES_PER_SECOND]
//
// Holds SESSIONS (1000) open through a gateway to three WebSocket servers, and makes handshakes at a steady rate
// (200/s), each for a session of one message. Prints what broke, how long handshakes took in each phase, and the share
// of the server that came back, step by step of its slow start. Exit code 1 if a session of another server broke, a
// handshake failed, one took more than 300 ms while the server was ejected, or a session got no answer at another time
// than when its server was killed. Everything is on this machine, the load included: the times are upper bounds.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../system/package.json', import.meta.url));
const WebSocket = require('ws');

const self = fileURLToPath(import.meta.url);
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const kSlowStart = 30_000;
// Longer than the second ejection in a row (20 s), which the server comes back from.
const kBackWithin = 60_000;
const kStep = 5_000;

function serve(port) {
  const server = new WebSocket.Server({ port, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', () => socket.send(String(process.pid)));
  });
  server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
}

// Started programs, which end with this one.
const children = [];

function startProgram(program, args, stdio) {
  const child = spawn(program, args, { stdio });
  children.push(child);
  child.ended = new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
  });
  child.ended.catch(() => {});
  return child;
}

async function startServer(port = 0) {
  const child = startProgram(process.execPath, [self, 'serve', String(port)], ['ignore', 'pipe', 'inherit']);
  const line = await Promise.race([child.ended, new Promise((resolve) => { child.stdout.once('data', resolve); })]);
  return { child, pid: String(child.pid), port: Number(line) };
}

async function startGateway(program, ports, folder) {
  const file = path.join(folder, 'upgate.yaml');
  const servers = ports.map((port) => `"ws://127.0.0.1:${port}"`).join(', ');
  fs.writeFileSync(file, `listeners: [ { address: "127.0.0.1:0" } ]
log: { format: json }
backends: { live: { servers: [ ${servers} ], slow_start: ${kSlowStart}ms, retry: { tries: 2 } } }
routes: [ { path: /*, backend: live } ]
`);
  const child = startProgram(program, ['run', '--config', file], ['ignore', 'ignore', 'pipe']);
  const events = [];
  const waiting = [];
  readline.createInterface({ input: child.stderr }).on('line', (line) => {
    if (!/"(listening|server ejected|server back)"/.test(line)) return;
    const event = { at: performance.now(), ...JSON.parse(line) };
    events.push(event);
    for (const look of waiting) look(event);
  });
  // The first such event after `from`, past or future.
  const logged = (name, from = 0) => {
    const matches = (event) => event.event === name && event.at > from;
    const found = events.find(matches);
    if (found) return Promise.resolve(found);
    return new Promise((resolve) => { waiting.push((event) => { if (matches(event)) resolve(event); }); });
  };
  const { address } = await Promise.race([child.ended, logged('listening')]);
  return { port: Number(address.split(':').at(-1)), logged };
}

// One handshake and one message: the server that answered, and how long the handshake took.
function open(port, keep) {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false, handshakeTimeout: 20_000 });
    const result = { began, socket, broke: false };
    socket.on('open', () => { result.took = performance.now() - began; socket.send('who'); });
    socket.on('message', (server) => {
      result.server = String(server);
      if (!keep) socket.terminate();
      resolve(result);
    });
    socket.on('error', (error) => { result.error ??= error.message; });
    socket.on('close', () => { result.broke = true; resolve(result); });
  });
}

async function openSessions(port, count) {
  const sessions = [];
  while (sessions.length < count) {
    const batch = Math.min(50, count - sessions.length);
    sessions.push(...await Promise.all(Array.from({ length: batch }, () => open(port, true))));
  }
  return sessions;
}

// Makes handshakes at a steady rate until it is stopped.
function startHandshakes(port, rate) {
  const done = [];
  const pending = new Set();
  const started = performance.now();
  let made = 0;
  const ticker = setInterval(() => {
    // As many as are due: a late timer makes up for it.
    for (; made < (performance.now() - started) * rate / 1000; ++made) {
      const one = open(port, false).then((result) => { done.push(result); pending.delete(one); });
      pending.add(one);
    }
  }, 5);
  return async () => {
    clearInterval(ticker);
    await Promise.all(pending);
    return done;
  };
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

// Prints a phase, and returns what it was like.
function tell(name, handshakes) {
  const times = handshakes.filter((h) => h.took !== undefined).map((h) => h.took).sort((a, b) => a - b);
  const failed = handshakes.filter((h) => h.took === undefined);
  const unanswered = handshakes.length - failed.length - handshakes.filter((h) => h.server).length;
  const ms = [0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1));
  console.log(`${name.padEnd(34)} ${String(handshakes.length).padStart(6)} handshakes, ${failed.length} failed, `
    + `${unanswered} without an answer; p50 ${ms[0]} ms, p99 ${ms[1]} ms, longest ${ms[2]} ms`);
  for (const h of failed.slice(0, 3)) console.log(`  ${h.error}`);
  return { failed: failed.length, unanswered, longest: times.at(-1) ?? 0 };
}

// Kills the first server, starts it again, and waits for the end of its slow start: the moments of all this.
async function killAndReturn(gateway, servers) {
  await sleep(10_000);
  const killed = performance.now();
  servers[0].child.kill('SIGKILL');
  const ejected = (await gateway.logged('server ejected', killed)).at;
  await sleep(15_000);
  const again = await startServer(servers[0].port);
  const started = performance.now();
  const back = await Promise.race([gateway.logged('server back', started), sleep(kBackWithin)]);
  if (!back) throw new Error(`the server did not come back within ${kBackWithin / 1000} s`);
  await sleep(kSlowStart + 2 * kStep);
  return { killed, ejected, started, back: back.at, again };
}

async function measure(program, folder, count, rate) {
  const servers = [await startServer(), await startServer(), await startServer()];
  const gateway = await startGateway(program, servers.map((server) => server.port), folder);
  const sessions = await openSessions(gateway.port, count);
  console.log(`${sessions.filter((s) => !s.broke).length} sessions open`);
  const stopHandshakes = startHandshakes(gateway.port, rate);
  const { killed, ejected, started, back, again } = await killAndReturn(gateway, servers);
  const others = sessions.filter((s) => s.server !== servers[0].pid);
  const broken = others.filter((s) => s.broke).length;
  const handshakes = await stopHandshakes();

  const of = (from, to) => handshakes.filter((h) => h.began >= from && h.began < to);
  console.log(`sessions of the other servers: ${others.length}, broken ${broken}`);
  // Sessions that began shortly before may be waiting for their answer.
  const before = tell('before', of(0, killed - 1000));
  const dying = tell(`killed (ejected after ${(ejected - killed).toFixed(0)} ms)`, of(killed - 1000, ejected));
  const out = tell('while it is out', of(ejected, back));
  const after = tell(`back (${((back - started) / 1000).toFixed(1)} s after its start)`, of(back, Infinity));
  const shares = [];
  for (let from = 0; from < kSlowStart + 2 * kStep; from += kStep) {
    const part = of(back + from, back + from + kStep);
    const its = part.filter((h) => h.server === again.pid).length;
    shares.push(`${from / 1000}-${(from + kStep) / 1000} s: ${(100 * its / part.length).toFixed(0)} %`);
  }
  console.log(`share of the server that came back: ${shares.join(', ')}`);
  return broken === 0 && [before, dying, out, after].every((phase) => phase.failed === 0)
    && [before, out, after].every((phase) => phase.unanswered === 0) && out.longest <= 300;
}

async function main([program = 'build/release/upgate', count = '1000', rate = '200']) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'upgate-kill-'));
  try {
    return await measure(program, folder, Number(count), Number(rate)) ? 0 : 1;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === 'serve') {
  serve(Number(process.argv[3]));
} else {
  process.exit(await main(process.argv.slice(2)));
}
