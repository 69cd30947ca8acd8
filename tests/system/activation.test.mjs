// Sockets that the service manager passes on, as systemd does: a restart refuses nobody.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { binary, sanitized, start, temporaryFolder, within } from './support.mjs';

const launcher = fileURLToPath(new URL('./activate.py', import.meta.url));

// A launcher with an open socket; `run` starts a gateway on it and waits until it serves.
async function activate(t, yaml) {
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'upgate.yaml');
  const child = start(t, 'python3', [launcher, '127.0.0.1', binary, 'run', '--config', file]);
  const words = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const word = async () => Number((await within(20000, 'the launcher', words.next())).value);
  const port = await word();
  fs.writeFileSync(file, yaml(port));
  const served = () => child.errors.split(' serving ').length - 1;
  t.after(() => child.stdin.end());
  return {
    port,
    child,
    run: async () => {
      const before = served();
      child.stdin.write('\n');
      const pid = await word();
      await within(20000, 'the gateway to serve', (async () => {
        while (served() === before) await new Promise((resolve) => setImmediate(resolve));
      })());
      return pid;
    },
  };
}

const isRunning = (pid) => {
  try {
    return !fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

// One handshake and an echo; resolves to what went wrong, or to nothing.
const handshake = (port) => new Promise((resolve) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
  let open = false;
  socket.on('open', () => { open = true; socket.close(); });
  socket.on('unexpected-response', (_, response) => { resolve(`status ${response.statusCode}`); socket.terminate(); });
  socket.on('error', (error) => resolve(open ? undefined : error.message));
  socket.on('close', () => resolve(open ? undefined : 'closed before the handshake was over'));
});

test('a gateway serves on the socket that it inherits, on every loop', async (t) => {
  const gateway = await activate(t, (port) => `
workers: 3
listeners: [ { address: "127.0.0.1:${port}" } ]
routes: [ { path: /echo, plugin: echo } ]
`);
  await gateway.run();
  const failures = await Promise.all(Array.from({ length: 50 }, () => handshake(gateway.port)));
  assert.deepEqual(failures.filter(Boolean), []);
});

test('an inherited socket without a listener is told of', async (t) => {
  const gateway = await activate(t, () => `
listeners: [ { address: "127.0.0.1:0" } ]
routes: [ { path: /, plugin: echo } ]
`);
  await gateway.run();
  assert.match(gateway.child.errors,
    new RegExp(`warn  inherited socket not used address="127.0.0.1:${gateway.port}"`));
});

test('restarts under handshakes refuse nobody', async (t) => {
  const gateway = await activate(t, (port) => `
workers: 2
listeners: [ { address: "127.0.0.1:${port}" } ]
routes: [ { path: /echo, plugin: echo } ]
shutdown: { timeout: 20s }
`);
  let pid = await gateway.run();
  const failures = [];
  let made = 0;
  let busy = true;
  // Always some under way, whatever the machine's speed.
  const clients = Array.from({ length: 8 }, async () => {
    while (busy) {
      const failure = await handshake(gateway.port);
      if (failure) failures.push(failure);
      ++made;
    }
  });
  for (let i = 0; i < (sanitized ? 2 : 5); ++i) {
    const goal = made + 20;
    await within(20000, 'handshakes', (async () => {
      while (made < goal) await new Promise((resolve) => setImmediate(resolve));
    })());
    process.kill(pid, 'SIGTERM');
    const old = pid;
    pid = await gateway.run();
    await within(30000, 'the old process to end', (async () => {
      while (isRunning(old)) await new Promise((resolve) => setImmediate(resolve));
    })());
  }
  busy = false;
  await Promise.all(clients);
  assert.deepEqual(failures, [], `of ${made} handshakes`);
});
