// Socket.IO with its default transports, long polling first and then a WebSocket, over two servers that know nothing of
// each other's sessions.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { launchChromium } from './chromium.mjs';
import { makeCertificates, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';

const kPatience = 60000;
const kPage = '<!doctype html><title>chat</title><script src="/socket.io/socket.io.js"></script>';

// An application that answers `ask` with its name. `stop` ends it with all its connections.
async function startApplication(t, name) {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(kPage);
  });
  // A busy machine may take longer than the defaults allow.
  const application = new Server(server, { upgradeTimeout: kPatience, pingTimeout: kPatience });
  application.on('connection', (socket) => socket.on('ask', (question, answer) => answer(`${name}: ${question}`)));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  let stopped;
  const stop = () => (stopped ??= application.close().then(() => server.closeAllConnections()));
  t.after(stop);
  return { name, port: server.address().port, stop };
}

const applications = (t) => Promise.all(['one', 'two'].map((name) => startApplication(t, name)));

// With one loop, so that `round_robin` takes the servers strictly in turn. The servers run in this process and may have
// to wait for it.
const config = (servers, policy, listener = '') => `
workers: 1
listeners: [ { address: "127.0.0.1:0"${listener} } ]
backends:
  app:
    servers: [ ${servers.map(({ port }) => `"http://127.0.0.1:${port}"`).join(', ')} ]
    connect_timeout: ${kPatience}ms
    ${policy}
routes: [ { path: /*, backend: app } ]
`;

// A client of its own, whose connections come from `address`. Node's client keeps cookies only if it is told to.
function client(t, port, { address = '127.0.0.1', ...options } = {}) {
  const agent = new http.Agent({ keepAlive: true, localAddress: address });
  const socket = io(`http://127.0.0.1:${port}`,
    { forceNew: true, reconnection: false, timeout: kPatience, withCredentials: true, agent, ...options });
  t.after(() => { socket.disconnect(); agent.destroy(); });
  return socket;
}

const ask = (socket, question) => within(kPatience, 'an answer', socket.emitWithAck('ask', question));

// Connects, and asks as soon as that is possible, and again after the change to a WebSocket if one is expected. Returns
// the names of the transports and of the servers that answered.
async function converse(socket, upgrades) {
  const { engine } = socket.io;
  const transports = [engine.transport.name];
  const upgraded = new Promise((resolve, reject) => {
    engine.once('upgrade', resolve).once('upgradeError', reject);
  });
  upgraded.catch(() => {});
  await within(kPatience, 'a connection', new Promise((resolve, reject) => {
    socket.on('connect', resolve).on('connect_error', reject);
  }));
  const answers = [await ask(socket, 'first')];
  if (upgrades) {
    await within(kPatience, 'the change to a WebSocket', upgraded);
    transports.push(engine.transport.name);
  }
  for (const question of ['second', 'x'.repeat(100000)]) answers.push(await ask(socket, question));
  return { transports, servers: new Set(answers.map((answer) => answer.split(':')[0])) };
}

async function converseAll(sockets, transports) {
  const served = { one: 0, two: 0 };
  for (const result of await Promise.all(sockets.map((socket) => converse(socket, transports.length > 1)))) {
    assert.deepEqual(result.transports, transports);
    assert.equal(result.servers.size, 1);
    ++served[[...result.servers][0]];
  }
  return served;
}

const kPolicies = {
  'a cookie': 'sticky: true',
  'a hash of the client': 'balance: hash\n    hash: client',
};

for (const [name, policy] of Object.entries(kPolicies)) {
  test(`with ${name}, each client stays with its server`, { timeout: 240000 }, async (t) => {
    const gateway = await startGateway(t, config(await applications(t), policy));
    const [port] = gateway.ports;
    // Each has an address of its own, as real clients do.
    const clients = (count, options) =>
      Array.from({ length: count }, (_, i) => client(t, port, { address: `127.0.0.${i + 2}`, ...options }));
    for (const [transports, options] of [[['polling', 'websocket'], {}], [['polling'], { transports: ['polling'] }]]) {
      const served = await converseAll(clients(20, options), transports);
      assert.ok(served.one > 0 && served.two > 0, JSON.stringify(served));
    }
  });
}

test('without either, a session is not found on the other server', { timeout: 240000 }, async (t) => {
  const gateway = await startGateway(t, config(await applications(t), ''));
  const failure = await converse(client(t, gateway.ports[0]), true).catch((error) => error);
  assert.ok(failure instanceof Error);
  assert.match(failure.message, /xhr (poll|post) error/);
  assert.equal(failure.description, 400);
});

test('a browser whose server is gone goes to the other one', { timeout: 240000 }, async (t) => {
  const folder = temporaryFolder(t);
  const servers = await applications(t);
  const gateway = await startGateway(t,
    config(servers, 'sticky: true', `, ${tlsBlock(makeCertificates(folder))}`), { folder });
  const browser = await launchChromium();
  t.after(() => browser.close());
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`https://127.0.0.1:${gateway.ports[0]}/`);
  await page.evaluate(() => {
    globalThis.transports = [];
    globalThis.socket = globalThis.io({ reconnectionDelay: 50, reconnectionDelayMax: 50 });
    globalThis.socket.on('connect', () => globalThis.transports.push(globalThis.socket.io.engine.transport.name));
  });
  const answer = () => page.evaluate(() => globalThis.socket.emitWithAck('ask', 'who'));
  const upgraded = () => page.waitForFunction(() => globalThis.socket.io.engine?.transport.name === 'websocket');
  const cookie = async () => {
    const [found, ...others] = await context.cookies();
    assert.deepEqual(others, []);
    const { name, value, httpOnly, secure, sameSite } = found;
    assert.deepEqual({ name, httpOnly, secure, sameSite },
      { name: 'upgate', httpOnly: true, secure: true, sameSite: 'Lax' });
    return value;
  };
  await upgraded();
  const first = (await answer()).split(':')[0];
  const before = await cookie();
  await servers.find(({ name }) => name === first).stop();
  await page.waitForFunction(() => globalThis.transports.length === 2);
  await upgraded();
  assert.equal(await answer(), `${first === 'one' ? 'two' : 'one'}: who`);
  assert.deepEqual(await page.evaluate(() => globalThis.transports), ['polling', 'polling']);
  assert.notEqual(await cookie(), before);
});
