// Several servers behind a route, of which one is killed and comes back.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { httpGet, start, startGateway, within } from './support.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const echo = `
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const server = createServer((request, response) => response.end(process.argv[1]));
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.send(process.argv[1]);
  socket.on('message', (data) => socket.send(data.toString()));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('port ' + server.address().port));
`;

// A process that answers with its name, to HTTP and as the first message of a WebSocket, and then echoes.
async function startServer(t, name, port = 0) {
  const child = start(t, process.execPath, ['--input-type=module', '-e', echo, name, String(port)], { cwd: here });
  await within(30000, `the port of ${name}`, (async () => {
    while (!/port \d+\n/.test(child.output)) await once(child.stdout, 'data');
  })());
  return { child, name, port: Number(/port (\d+)\n/.exec(child.output)[1]) };
}

// A session, with the name of its server; without one if the server died between its 101 and its first message.
async function connect(url, headers = {}) {
  const socket = new WebSocket(url, { headers });
  socket.closed = once(socket, 'close').then(([code]) => code);
  const upgraded = once(socket, 'upgrade');
  const first = once(socket, 'message');
  for (const promise of [first, socket.closed]) promise.catch(() => {});
  const [answer] = await within(30000, 'a 101', upgraded);
  const [name] = await within(30000, 'a session', Promise.race([first, socket.closed.then(() => [])]));
  return { socket, server: name?.toString(), cookie: answer.headers['set-cookie']?.[0].split(';')[0] };
}

async function echoes(socket, text) {
  const answer = once(socket, 'message');
  socket.send(text);
  return (await within(30000, 'an echo', answer))[0].toString() === text;
}

const listener = 'listeners: [ { address: "127.0.0.1:0" } ]\nworkers: 2\nadmin: { address: "127.0.0.1:0" }\n';
const list = (scheme, servers) => servers.map((s) => `"${scheme}://127.0.0.1:${s.port}"`).join(', ');

test('a server that is killed costs its own sessions and nobody else anything', async (t) => {
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => startServer(t, name)));
  const gateway = await startGateway(t, `${listener}backends:
  live: { servers: [ ${list('ws', servers)} ], ejection: { time: 200ms }, retry: { tries: 3 } }
routes: [ { path: /, backend: live } ]
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  const sessions = await Promise.all(Array.from({ length: 60 }, () => connect(url)));
  assert.deepEqual([...new Set(sessions.map((s) => s.server))].sort(), ['a', 'b', 'c']);

  // Handshakes go on all the time, several at once.
  let failed = 0;
  let done = 0;
  const during = [];
  const knock = async () => {
    while (done < 400) {
      if (++done === 100) servers[1].child.kill('SIGKILL');
      try {
        const session = await connect(url);
        during.push(session);
      } catch {
        ++failed;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, knock));
  assert.equal(failed, 0);
  for (const session of sessions) {
    if (session.server === 'b') await within(30000, 'the end of a session', session.socket.closed);
    else assert.ok(await echoes(session.socket, 'still here'));
  }
  const after = during.slice(-100).map((s) => s.server);
  assert.ok(!after.includes('b'));
  await gateway.logged((e) => e.event === 'server ejected' && e.server.endsWith(`:${servers[1].port}`));
  const { body } = await httpGet(gateway.admin, '/metrics');
  const labels = `backend="live",server="ws://127.0.0.1:${servers[1].port}"`;
  assert.match(body, new RegExp(`upgate_server_ejected\\{${labels}\\} 1`));

  await startServer(t, 'b again', servers[1].port);
  const back = async () => {
    for (;;) {
      const session = await connect(url);
      session.socket.close();
      if (session.server === 'b again') return;
    }
  };
  await within(60000, 'a session of the server that came back', back());
  await gateway.logged((e) => e.event === 'server back');
  for (const { socket } of [...sessions, ...during]) socket.terminate();
});

test('health checks find a server that is down before a client does', async (t) => {
  const servers = await Promise.all(['a', 'b'].map((name) => startServer(t, name)));
  const gateway = await startGateway(t, `${listener}drain_spread: 0s
backends:
  live:
    servers: [ ${list('ws', servers)} ]
    health: { check: ws, interval: 200ms, fall: 2 }
    on_down: close
routes: [ { path: /, backend: live } ]
`);
  const url = `ws://127.0.0.1:${gateway.ports[0]}/`;
  const sessions = await Promise.all(Array.from({ length: 8 }, () => connect(url)));
  // It hangs: its connections stay open.
  servers[0].child.kill('SIGSTOP');
  const down = await gateway.logged((e) => e.event === 'server down');
  assert.match(down.why, /within 200ms/);
  for (const { socket, server } of sessions) {
    if (server === 'a') assert.equal(await within(30000, 'the close', socket.closed), 1012);
    else assert.ok(await echoes(socket, 'still here'));
  }
  for (let i = 0; i < 10; ++i) assert.equal((await connect(url)).server, 'b');
  servers[0].child.kill('SIGCONT');
  await gateway.logged((e) => e.event === 'server up');
});

test('a cookie leads HTTP requests and WebSockets to the same server', async (t) => {
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => startServer(t, name)));
  const gateway = await startGateway(t, `${listener}backends:
  app: { servers: [ ${list('http', servers)} ], sticky: true }
routes: [ { path: "/*", backend: app } ]
`);
  const at = `127.0.0.1:${gateway.ports[0]}`;
  const first = await fetch(`http://${at}/`);
  const server = await first.text();
  const cookie = first.headers.getSetCookie()[0].split(';')[0];
  for (let i = 0; i < 6; ++i) {
    assert.equal(await (await fetch(`http://${at}/${i}`, { headers: { cookie } })).text(), server);
    assert.equal((await connect(`ws://${at}/`, { cookie })).server, server);
  }
  const fresh = await connect(`ws://${at}/`);
  assert.equal(await (await fetch(`http://${at}/`, { headers: { cookie: fresh.cookie } })).text(), fresh.server);
});
