// `upgate relay`: a gateway for one server, without a configuration file.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import WebSocket from 'ws';
import { binary, httpGet, start, tcpServer, temporaryFolder, within } from './support.mjs';

async function relay(t, ...args) {
  const child = start(t, binary, ['relay', '--listen', '127.0.0.1:0', ...args]);
  const line = /listening address="?127\.0\.0\.1:(\d+)/;
  while (!line.test(child.errors)) await within(20000, 'a line', once(child.stderr, 'data'));
  child.port = Number(line.exec(child.errors)[1]);
  return child;
}

const echo = (t) => tcpServer(t, (socket) => socket.pipe(socket));

async function converse(url, options) {
  const socket = new WebSocket(url, options);
  await within(20000, 'a handshake', once(socket, 'open'));
  socket.send('hello');
  const [answer] = await within(20000, 'an answer', once(socket, 'message'));
  socket.close();
  return String(answer);
}

test('a WebSocket at any path leads to the server', async (t) => {
  const child = await relay(t, '--to', `127.0.0.1:${await echo(t)}`);
  assert.equal(await converse(`ws://127.0.0.1:${child.port}/`), 'hello');
  assert.equal(await converse(`ws://127.0.0.1:${child.port}/any/path`), 'hello');
  const foreign = new WebSocket(`ws://127.0.0.1:${child.port}/`, { origin: 'https://other.example' });
  const [error] = await within(20000, 'a refusal', once(foreign, 'error'));
  assert.match(error.message, /403/);
  child.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', child.exited), 0);
});

test('pages and the WebSocket for them', async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'vnc.html'), '<!doctype html><title>noVNC</title>');
  const child = await relay(t, '--to', `tcp://127.0.0.1:${await echo(t)}`, '--web', folder,
    '--allow-origin', 'https://other.example');
  const page = await httpGet(child.port, '/');
  assert.equal(page.status, 200);
  assert.match(page.body, /noVNC/);
  const url = `ws://127.0.0.1:${child.port}/websockify`;
  assert.equal(await converse(url, { origin: `http://127.0.0.1:${child.port}` }), 'hello');
  assert.equal(await converse(url, { origin: 'https://other.example' }), 'hello');
});

test('a token file of websockify leads each client to its server', async (t) => {
  const folder = temporaryFolder(t);
  const named = (name) => tcpServer(t, (socket) => { socket.on('data', () => socket.write(name)); });
  const tokens = path.join(folder, 'tokens');
  const [one, two] = [await named('one'), await named('two')];
  fs.writeFileSync(tokens, `# a comment\nalice: 127.0.0.1:${one}\nbob: 127.0.0.1:${two}\n`);
  const child = await relay(t, '--token-file', tokens);
  const url = `ws://127.0.0.1:${child.port}`;
  assert.equal(await converse(`${url}/websockify?token=alice`), 'one');
  assert.equal(await converse(`${url}/?token=bob`), 'two');
  assert.equal(await converse(`${url}/bob`), 'two');
  const unknown = new WebSocket(`${url}/?token=eve`);
  const [error] = await within(20000, 'a refusal', once(unknown, 'error'));
  assert.match(error.message, /404/);
  assert.doesNotMatch(child.errors, /alice|bob|eve/, 'tokens are not logged');
});

test('a token file with pages, and limits to where tokens lead', async (t) => {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'vnc.html'), '<!doctype html><title>noVNC</title>');
  const port = await echo(t);
  const tokens = path.join(folder, 'tokens');
  fs.writeFileSync(tokens, `here: 127.0.0.1:${port}\n`);
  const child = await relay(t, '--token-file', tokens, '--web', folder);
  assert.match((await httpGet(child.port, '/')).body, /noVNC/);
  assert.equal(await converse(`ws://127.0.0.1:${child.port}/websockify?token=here`), 'hello');
  assert.equal(await converse(`ws://127.0.0.1:${child.port}/websockify/here`), 'hello');
  const narrow = await relay(t, '--token-file', tokens, '--allow', '10.0.0.0/8:1-65535');
  const refused = new WebSocket(`ws://127.0.0.1:${narrow.port}/?token=here`);
  const [error] = await within(20000, 'a refusal', once(refused, 'error'));
  assert.match(error.message, /502/);
});

test('what is wrong is said with the name of the argument', async (t) => {
  const wrong = async (code, pattern, ...args) => {
    const child = start(t, binary, ['relay', ...args]);
    assert.equal(await within(20000, 'the end', child.exited), code, args.join(' '));
    assert.match(child.errors, pattern);
  };
  await wrong(2, /--to is required/, '--listen', ':6080');
  await wrong(2, /exclude each other/, '--listen', ':6080', '--to', 'a:1', '--token-file', '/no');
  await wrong(2, /--allow is for --token-file/, '--listen', ':6080', '--to', 'a:1', '--allow', '10.0.0.1:1');
  await wrong(1, /^upgate relay: --token-file: /, '--listen', '127.0.0.1:0', '--token-file', '/does/not/exist');
  await wrong(1, /^upgate relay: --allow: /, '--listen', '127.0.0.1:0', '--token-file', '/no', '--allow', 'x');
  await wrong(1, /^upgate relay: --listen: /, '--listen', 'nowhere', '--to', 'a:1');
  await wrong(1, /^upgate relay: --to: /, '--listen', '127.0.0.1:0', '--to', 'ftp://a');
  await wrong(1, /^upgate relay: --web: /, '--listen', '127.0.0.1:0', '--to', 'a:1', '--web', '/does/not/exist');
  await wrong(1, /^upgate relay: --cert: /, '--listen', '127.0.0.1:0', '--to', 'a:1', '--cert', '/no', '--key', '/no');
  await wrong(2, /belong together/, '--listen', '127.0.0.1:0', '--to', 'a:1', '--cert', '/no');
});
