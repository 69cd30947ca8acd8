// Tests the instructions of docs/recipes.md: tunnels with `upgate connect`, and the configurations for nginx and for
// the gateway behind it.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import {
  binary, start, startGateway, tcpServer, tlsBlock, makeCertificates, temporaryFolder, within,
} from './support.mjs';
import { startNginx } from './nginx.mjs';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));

// Echoes everything in upper case, and sends a last message when the client has ended its side.
const shouter = (t) => tcpServer(t, (socket) => {
  socket.on('data', (data) => socket.write(data.toString().toUpperCase()));
  socket.on('end', () => socket.end('goodbye'));
});

const runConnect = (t, ...args) => start(t, binary, ['connect', ...args]);
const listening = (child) => within(20000, 'a local port', new Promise((resolve) => {
  child.stderr.on('data', () => {
    const port = /listening address="127\.0\.0\.1:(\d+)"/.exec(child.errors);
    if (port) resolve(Number(port[1]));
  });
}));

// Sends `text` and a FIN to a TCP server; returns everything it sends.
function converse(port, text) {
  return within(20000, 'a conversation', new Promise((resolve, reject) => {
    let received = '';
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('data', (data) => (received += data)).on('end', () => { socket.end(); resolve(received); })
      .on('error', reject);
    socket.end(text);
  }));
}

test('standard input and output are relayed, and the end of each side', { timeout: 60000 }, async (t) => {
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
backends: { shouter: { servers: [ "tcp://127.0.0.1:${await shouter(t)}" ] } }
routes: [ { path: /tcp, backend: shouter, encoding: binary } ]
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}/tcp`;
  const text = 'a line of text\n'.repeat(100000);
  const child = runConnect(t, url);
  child.stdin.end(text);
  assert.equal(await within(30000, 'upgate connect to end', child.exited), 0, child.errors);
  assert.equal(child.output, `${text.toUpperCase()}goodbye`);

  const refused = runConnect(t, `ws://127.0.0.1:${gateway.ports[0]}/nowhere`);
  assert.equal(await within(30000, 'upgate connect to end', refused.exited), 1);
  assert.match(refused.errors, /^upgate connect: .*404/);
});

test('connections to a local port are relayed, with a client certificate', { timeout: 60000 }, async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const gateway = await startGateway(t, `
listeners:
  - address: 127.0.0.1:0
    ${tlsBlock(certificates).replace(' } ] }', ` } ], client_auth: required, client_ca: "${certificates.caFile}" }`)}
backends: { shouter: { servers: [ "tcp://127.0.0.1:${await shouter(t)}" ] } }
routes: [ { path: /tcp, backend: shouter, encoding: binary } ]
`, { folder });
  const url = `wss://localhost:${gateway.ports[0]}/tcp`;
  const mine = ['--ca', certificates.caFile, '--cert', certificates.cert, '--key', certificates.key];
  const port = await listening(runConnect(t, url, '--listen', '127.0.0.1:0', ...mine));
  assert.deepEqual(
    await Promise.all(['one', 'two'].map((word) => converse(port, word))), ['ONEgoodbye', 'TWOgoodbye']);

  const stranger = runConnect(t, url, '--ca', certificates.caFile);
  stranger.stdin.end('let me in');
  assert.equal(await within(30000, 'upgate connect to end', stranger.exited), 1);
  assert.equal(stranger.output, '');
});

const block = (page, heading, kind) => {
  const section = page.split(`\n## ${heading}\n`)[1].split('\n## ')[0];
  return section.split(`\`\`\`${kind}\n`)[1].split('```')[0];
};

test('behind nginx, pages of the site connect and others do not', { timeout: 60000 }, async (t) => {
  const page = fs.readFileSync(`${docs}recipes.md`, 'utf8');
  const gateway = await startGateway(t, block(page, 'Behind nginx', 'yaml').replace('127.0.0.1:8080', '127.0.0.1:0'));
  const nginx = await startNginx(t, (port) => block(page, 'Behind nginx', 'nginx')
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('127.0.0.1:8080', `127.0.0.1:${gateway.ports[0]}`));
  const connect = (origin) =>
    new WebSocket(`ws://127.0.0.1:${nginx.port}/echo`, { headers: { Host: 'app.example.com' }, origin });

  const socket = connect('http://app.example.com');
  const answer = within(20000, 'an echo', new Promise((resolve, reject) => {
    socket.on('open', () => socket.send('through both')).on('message', (data) => resolve(String(data)))
      .on('error', reject);
  }));
  assert.equal(await answer, 'through both');
  socket.close();

  const foreign = connect('http://other.example');
  const refusal = within(20000, 'a refusal',
    new Promise((resolve) => foreign.on('error', (error) => resolve(error.message))));
  assert.match(await refusal, /403/);
});
