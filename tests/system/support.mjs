// Shared code of the system tests: the gateway as a process, servers and clients, certificates. Everything listens on
// ports chosen by the kernel and lives in one folder that is removed at the end.
import { setTimeout as delay } from 'node:timers/promises';
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import tls from 'node:tls';

export const binary = process.env.UPGATE_BINARY;
if (!binary) throw new Error('UPGATE_BINARY must name the program to test');

// Sanitized builds are slower and larger: tests move fewer bytes and do not check memory.
export const sanitized = process.env.UPGATE_SANITIZED === '1';

export function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'upgate-test-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// Rejects with a message after `ms` instead of hanging.
export function within(ms, what, promise) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out: ${what}`)), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

// Runs a program until the test ends. `exited` resolves to its exit code or signal.
export function start(t, command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  child.exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  child.output = '';
  child.errors = '';
  // Streams that `options` redirects are null.
  child.stdout?.on('data', (data) => (child.output += data));
  child.stderr?.on('data', (data) => (child.errors += data));
  child.stdin?.on('error', () => {});
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await child.exited;
  });
  return child;
}

// Runs upgate with a limit on file descriptors.
export const startWithFiles = (t, files, args) =>
  start(t, 'sh', ['-c', `ulimit -n ${files}; exec "$0" "$@"`, binary, ...args]);

// Runs `upgate run` with the configuration `yaml`, whose listeners should use port 0. Log lines arrive as objects.
// `files`: the limit on file descriptors of the process.
export async function startGateway(t, yaml, { folder = temporaryFolder(t), args, files } = {}) {
  const file = path.join(folder, 'upgate.yaml');
  fs.writeFileSync(file, `log: { format: json, level: debug }\n${yaml}`);
  const words = args ?? ['run', '--config', file];
  const child = files ? startWithFiles(t, files, words) : start(t, binary, words);
  const gateway = { child, pid: child.pid, ports: [], admin: undefined, log: [], file };
  const waiters = [];
  readline.createInterface({ input: child.stderr }).on('line', (line) => {
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      entry = { event: 'text', line };
    }
    gateway.log.push(entry);
    for (const waiter of [...waiters]) {
      if (!waiter.matches(entry)) continue;
      waiters.splice(waiters.indexOf(waiter), 1);
      waiter.resolve(entry);
    }
  });
  // The first matching log line, past or future.
  gateway.logged = (matches, what = 'a log line') => {
    const found = gateway.log.find(matches);
    if (found) return Promise.resolve(found);
    return within(20000, what, new Promise((resolve) => waiters.push({ matches, resolve })));
  };
  const failed = child.exited.then((code) => {
    throw new Error(`upgate ended with ${code}: ${child.errors}`);
  });
  failed.catch(() => {});
  await Promise.race([failed, gateway.logged((e) => e.event === 'serving', 'upgate to serve')]);
  for (const entry of gateway.log.filter((e) => e.event === 'listening')) {
    const port = Number(entry.address.split(':').at(-1));
    if (entry.purpose === 'admin') gateway.admin = port;
    else gateway.ports.push(port);
  }
  // Whatever the test did, the process must still run and exit cleanly.
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const code = await within(30000, 'upgate to stop', child.exited);
      if (code !== 0) throw new Error(`upgate ended with ${code}: ${child.errors}`);
    }
  });
  // Current statistics: the gateway serves frequent requests from a cache for a while.
  gateway.stats = async () => {
    const since = Date.now();
    for (;;) {
      const stats = JSON.parse((await httpGet(gateway.admin, '/stats')).body);
      if (stats.process.time_ms >= since) return stats;
      await delay(10);
    }
  };
  return gateway;
}

export async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => {
    server.closeAllConnections?.();
    for (const socket of server.open ?? []) socket.destroy();
    server.close(resolve);
  }));
  return server.address().port;
}

// A TCP server; `handler` gets each socket.
export async function tcpServer(t, handler) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    server.open.add(socket);
    socket.on('close', () => server.open.delete(socket));
    socket.on('error', () => {});
    handler(socket);
  });
  server.open = new Set();
  return listen(t, server);
}

export const echoServer = (t) => tcpServer(t, (socket) => socket.pipe(socket));

// Resolves once a server on 127.0.0.1 accepts connections.
export async function untilAccepted(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// A port that nobody listens on. It is below the range from which the system takes ports for
// outgoing connections and for port 0 (net.ipv4.ip_local_port_range, from 32768), so that no
// other test gets it in the meantime. Each process has ports of its own.
let portsTaken = 0;
export async function unusedPort() {
  for (;;) {
    const port = 10000 + (process.pid % 2000) * 10 + (portsTaken++ % 10);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.on('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

// Sends raw bytes and collects the response, as latin1 text.
export class RawClient {
  static async connect(port, { secure, ...options } = {}) {
    const socket = secure
      ? tls.connect({ port, host: '127.0.0.1', ...options })
      : net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, secure ? 'secureConnect' : 'connect');
    return new RawClient(socket);
  }
  constructor(socket) {
    this.socket = socket;
    this.received = '';
    this.ended = false;
    this.changed = () => {};
    socket.setNoDelay(true);
    socket.on('data', (data) => { this.received += data.toString('latin1'); this.changed(); });
    socket.on('end', () => { this.ended = true; this.changed(); });
    socket.on('close', () => { this.ended = true; this.changed(); });
    socket.on('error', () => {});
  }
  send(text) { this.socket.write(text, 'latin1'); }
  async sendBytewise(text) {
    for (const c of text) {
      await new Promise((resolve) => this.socket.write(c, 'latin1', resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  until(done, what) {
    return within(20000, what, new Promise((resolve) => {
      this.changed = () => { if (done(this)) resolve(this.received); };
      this.changed();
    }));
  }
  head() {
    return this.until((c) => c.received.includes('\r\n\r\n'), 'a whole response head').then(() => {
      const end = this.received.indexOf('\r\n\r\n') + 4;
      const head = this.received.slice(0, end);
      this.received = this.received.slice(end);
      return head;
    });
  }
  end() { return this.until((c) => c.ended, 'the end of the connection'); }
  close() { this.socket.destroy(); }
}

export async function httpGet(port, target, headers = '') {
  const client = await RawClient.connect(port);
  client.send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${headers}\r\n`);
  const all = await client.end();
  const split = all.indexOf('\r\n\r\n');
  return { status: Number(all.split(' ')[1]), head: all.slice(0, split), body: all.slice(split + 4) };
}

// A frame of a client (masked with zeros, so that the payload stays readable).
export function frame(opcode, payload = '') {
  const body = Buffer.from(payload, 'latin1');
  if (body.length > 125) throw new Error('only for short frames');
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length, 0, 0, 0, 0]), body]).toString('latin1');
}

// A certificate authority, and a certificate for localhost, 127.0.0.1 and other names.
export function makeCertificates(folder, names = ['a.example', 'b.example']) {
  const at = (name) => path.join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const san = ['DNS:localhost', 'IP:127.0.0.1', ...names.map((n) => `DNS:${n}`)].join(',');
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('ca.key'),
    '-out',
    at('ca.crt'), '-subj', '/CN=Test CA', '-days', '2');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at('site.key'), '-out',
    at('site.csr'), '-subj', '/CN=localhost', '-addext', `subjectAltName=${san}`);
  openssl('x509', '-req', '-in', at('site.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-out',
    at('site.crt'), '-days', '2', '-copy_extensions', 'copy');
  return { ca: fs.readFileSync(at('ca.crt')), caFile: at('ca.crt'), cert: at('site.crt'), key: at('site.key') };
}

export const tlsBlock = (c) => `tls: { certificates: [ { cert: "${c.cert}", key: "${c.key}" } ] }`;

const memory = (pid, field) => {
  const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match[1]) * 1024;
};
// Resident memory of a process in bytes: current and peak.
export const residentBytes = (pid) => memory(pid, 'VmRSS');
export const peakBytes = (pid) => memory(pid, 'VmHWM');
