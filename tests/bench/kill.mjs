// One of three servers is killed under load and comes back: what sessions and handshakes notice of it.
//
//   node tests/bench/kill.mjs [PROGRAM] [SESSIONS] [HANDSHAKES_PER_SECOND]
//
// Holds SESSIONS (1000) open through a gateway to three WebSocket servers, and makes handshakes at a steady rate
// (200/s), each for a session of one message. Prints what broke, how long handshakes took in each phase, and the share
// of the server that came back, step by step of its slow start. Exit code 1 if a session of another server broke, a
// handshake failed, or one took more than 300 ms while the server was ejected. Everything is on this machine, the load
// included: the times are upper bounds.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../system/package.json', import.meta.url));
const WebSocket = require('ws');

const self = fileURLToPath(import.meta.url);
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function serve(port) {
  const server = new WebSocket.Server({ port, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', () => socket.send(String(process.pid)));
  });
  server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
}

async function startServer(port = 0) {
  const child = spawn(process.execPath, [self, 'serve', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve) => { child.stdout.once('data', resolve); });
  return { child, pid: String(child.pid), port: Number(line) };
}

async function startGateway(program, ports) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'upgate-kill-'));
  const file = path.join(folder, 'upgate.yaml');
  const servers = ports.map((port) => `"ws://127.0.0.1:${port}"`).join(', ');
  fs.writeFileSync(file, `listeners: [ { address: "127.0.0.1:0" } ]
log: { format: json }
backends: { live: { servers: [ ${servers} ], slow_start: 30s } }
routes: [ { path: /*, backend: live } ]
`);
  const child = spawn(program, ['run', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const seen = [];
  let rest = '';
  let port;
  const listening = new Promise((resolve) => {
    child.stderr.on('data', (bytes) => {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (/"(listening|server ejected|server back)"/.test(line)) {
          const entry = JSON.parse(line);
          seen.push({ at: performance.now(), event: entry.event ?? entry.msg, line });
          port ??= /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
          if (port) resolve();
        }
      }
    });
  });
  await listening;
  return { child, seen, port, folder };
}

// One handshake and one message: the server that answered, and how long the handshake took.
function open(port, keep) {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
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

function percentile(sorted, share) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function tell(name, handshakes) {
  const times = handshakes.filter((h) => h.took !== undefined).map((h) => h.took).sort((a, b) => a - b);
  const failed = handshakes.filter((h) => h.took === undefined);
  const ms = [0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(1));
  console.log(`${name.padEnd(34)} ${String(handshakes.length).padStart(6)} handshakes, ${failed.length} failed;`
    + ` p50 ${ms[0]} ms, p99 ${ms[1]} ms, longest ${ms[2]} ms`);
  for (const h of failed.slice(0, 3)) console.log(`  ${h.error}`);
  return failed.length;
}

async function measure(program, count, rate) {
  const servers = [await startServer(), await startServer(), await startServer()];
  const gateway = await startGateway(program, servers.map((server) => server.port));
  const sessions = [];
  while (sessions.length < count)
    sessions.push(...await Promise.all(Array.from({ length: Math.min(50, count - sessions.length) },
      () => open(gateway.port, true))));
  console.log(`${sessions.filter((s) => !s.broke).length} sessions open`);

  const handshakes = [];
  const pending = new Set();
  const started = performance.now();
  let made = 0;
  const ticker = setInterval(() => {
    // As many as are due: a late timer makes up for it.
    for (; made < (performance.now() - started) * rate / 1000; ++made) {
      const one = open(gateway.port, false).then((result) => { handshakes.push(result); pending.delete(one); });
      pending.add(one);
    }
  }, 5);
  await sleep(10_000);
  const killed = performance.now();
  servers[0].child.kill('SIGKILL');
  await sleep(15_000);
  const again = await startServer(servers[0].port);
  const back = performance.now();
  await sleep(45_000);
  clearInterval(ticker);
  await Promise.all(pending);

  const eventAt = (name, from) => gateway.seen.find((e) => e.line.includes(name) && e.at > from)?.at;
  const ejected = eventAt('server ejected', killed);
  const returned = eventAt('server back', back);
  const of = (from, to) => handshakes.filter((h) => h.began >= from && h.began < to);
  const others = sessions.filter((s) => s.server !== servers[0].pid);
  const broken = others.filter((s) => s.broke).length;
  console.log(`sessions of the other servers: ${others.length}, broken ${broken}`);
  let failed = tell('before', of(0, killed));
  failed += tell(`until it is ejected (${(ejected - killed).toFixed(0)} ms)`, of(killed, ejected));
  const out = of(ejected, returned ?? Infinity);
  failed += tell('while it is out', out);
  failed += tell(`back (${((returned - back) / 1000).toFixed(1)} s after its start)`, of(returned, Infinity));
  const longest = Math.max(...out.map((h) => h.took ?? 0));
  const shares = [];
  for (let second = 0; second < 45; second += 5) {
    const part = of(returned + second * 1000, returned + (second + 5) * 1000);
    const its = part.filter((h) => h.server === again.pid).length;
    if (part.length > rate) shares.push(`${second}-${second + 5} s: ${(100 * its / part.length).toFixed(0)} %`);
  }
  console.log(`share of the server that came back: ${shares.join(', ')}`);

  for (const { socket } of sessions) socket.terminate();
  gateway.child.kill('SIGTERM');
  for (const server of [...servers, again]) server.child.kill('SIGKILL');
  fs.rmSync(gateway.folder, { recursive: true });
  return broken === 0 && failed === 0 && longest <= 300;
}

if (process.argv[2] === 'serve') {
  serve(Number(process.argv[3]));
} else {
  const [program = 'build/release/upgate', count = '1000', rate = '200'] = process.argv.slice(2);
  process.exitCode = await measure(program, Number(count), Number(rate)) ? 0 : 1;
}
