// Many concurrent requests over kept-alive connections, every body checked; and a server that is killed and restarted
// meanwhile.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { sanitized, start, startGateway, temporaryFolder, within } from './support.mjs';

const sizes = [0, 1, 100, 1459, 1460, 4096, 16384, 65535, 65536, 65537, 300000, 1 << 20];

async function startServer(t, port = 0) {
  const child = start(t, process.execPath, [new URL('load_server.mjs', import.meta.url).pathname, String(port)]);
  const said = new Promise((resolve) => {
    child.stdout.on('data', () => { if (child.output.includes('\n')) resolve(); });
  });
  const ended = child.exited.then((code) => { throw new Error(`the server ended with ${code}: ${child.errors}`); });
  ended.catch(() => {});
  await within(20000, 'the server', Promise.race([said, ended]));
  return { child, port: Number(/port (\d+)/.exec(child.output)[1]) };
}

const gatewayTo = (t, port) => startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:0" }
backends: { site: { servers: [ "http://127.0.0.1:${port}" ], connect_timeout: 1s } }
routes: [ { path: "/*", backend: site } ]
`);

// Sends one request. Resolves to the status, and whether the body matches the server's checksum; a broken connection
// gives `cut`.
function ask(agent, port, { method = 'GET', path, body }) {
  return new Promise((resolve) => {
    const request = http.request({ agent, port, host: '127.0.0.1', method, path,
      headers: body ? { 'content-length': body.length } : {} });
    request.on('response', (response) => {
      const hash = crypto.createHash('sha256');
      let size = 0;
      response.on('data', (data) => { hash.update(data); size += data.length; });
      response.on('error', () => resolve({ cut: true }));
      response.on('end', () => {
        if (!response.complete) return resolve({ cut: true });
        const { 'x-size': length, 'x-hash': sum } = response.headers;
        return resolve({ status: response.statusCode, right: String(size) === length && hash.digest('hex') === sum });
      });
    });
    request.on('error', () => resolve({ cut: true }));
    request.end(body);
  });
}

const payload = crypto.randomBytes(1 << 20);
// A mix of many small bodies and few large ones.
function mixed(i) {
  const size = sizes[i % 16 === 0 ? sizes.length - 1 - (Math.floor(i / 16) % 6) : i % 7];
  return i % 10 === 9 ? { method: 'POST', path: '/',
    body: payload.subarray(0, Math.max(size, 1)) } : { path: `/${size}` };
}

test('thousands of requests over kept-alive connections, every body hash-equal', { timeout: 180000 }, async (t) => {
  const { port } = await startServer(t);
  const gateway = await gatewayTo(t, port);
  const count = sanitized ? 2000 : 10000;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  t.after(() => agent.destroy());
  let next = 0;
  const client = async () => {
    while (next < count) {
      const one = mixed(next++);
      const answer = await within(60000, `${one.method ?? 'GET'} ${one.path}`, ask(agent, gateway.ports[0], one));
      assert.deepEqual(answer, { status: 200, right: true });
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
  const [listener] = (await gateway.stats()).listeners;
  assert.deepEqual(listener.responses, { '1xx': 0, '2xx': count, '3xx': 0, '4xx': 0, '5xx': 0 });
});

test('wrk receives every response in full', { timeout: 120000 }, async (t) => {
  const folder = temporaryFolder(t);
  const { port } = await startServer(t);
  const gateway = await gatewayTo(t, port);
  const script = `${folder}/check.lua`;
  fs.writeFileSync(script, `
local sizes = { ${sizes.join(', ')} }
local threads = {}
local next = 0
answers, wrong, first = 0, 0, ""

function setup(thread) table.insert(threads, thread) end

function request()
  next = next + 1
  local large = next % 16 == 0
  local size = sizes[large and #sizes - (next / 16) % 6 or next % 7 + 1]
  return wrk.format("GET", "/" .. size)
end

function response(status, headers, body)
  answers = answers + 1
  local size, sample = nil, nil
  for name, value in pairs(headers) do
    name = string.lower(name)
    if name == "x-size" then size = tonumber(value) end
    if name == "x-sample" then sample = tonumber(value) end
  end
  local sum = 0
  for i = 1, #body, 1009 do sum = sum + string.byte(body, i) end
  if status ~= 200 or size ~= #body or sample ~= sum then
    wrong = wrong + 1
    if first == "" then first = status .. ": " .. #body .. " bytes of " .. tostring(size) end
  end
end

function done(summary)
  local answers, wrong, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    answers = answers + thread:get("answers")
    wrong = wrong + thread:get("wrong")
    first = first .. thread:get("first")
  end
  local e = summary.errors
  print(string.format('RESULT {"answers":%d,"wrong":%d,"first":"%s","errors":%d}', answers, wrong, first,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`);
  const wrk = start(t, 'wrk',
    ['-t2', '-c32', '-d3s', '--timeout', '30s', '-s', script, `http://127.0.0.1:${gateway.ports[0]}/`]);
  assert.equal(await within(60000, 'wrk', wrk.exited), 0, wrk.errors);
  const result = JSON.parse(/RESULT (.*)/.exec(wrk.output)[1]);
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual({ ...result, answers: result.answers > 0 }, { answers: true, wrong: 0, first: '', errors: 0 });
});

test('while a server is killed and restarted: 502, 503, 504 or a broken connection, never a truncated body',
  { timeout: 180000 }, async (t) => {
  let server = await startServer(t);
  const gateway = await gatewayTo(t, server.port);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  t.after(() => agent.destroy());
  const seen = { whole: 0, cut: 0, away: 0, other: new Set() };
  let running = true;
  let heard = () => {};
  let next = 0;
  const client = async () => {
    while (running) {
      const answer = await within(60000, 'an answer', ask(agent, gateway.ports[0], mixed(next++)));
      if (answer.cut) seen.cut += 1;
      else if (answer.status === 200 && answer.right) seen.whole += 1;
      else if ([502, 503, 504].includes(answer.status)) seen.away += 1;
      else seen.other.add(JSON.stringify(answer));
      heard();
    }
  };
  const until = (done, what) => within(60000, what, new Promise((resolve) => {
    heard = () => { if (done()) resolve(); };
  }));
  const clients = Promise.all(Array.from({ length: 16 }, client));
  for (let round = 0; round < 3; ++round) {
    let from = seen.whole;
    await until(() => seen.whole >= from + 200, 'answers');
    server.child.kill('SIGKILL');
    await server.child.exited;
    from = seen.away;
    await until(() => seen.away >= from + 50, 'refusals');
    server = await startServer(t, server.port);
    from = seen.whole;
    await until(() => seen.whole >= from + 200, 'answers again');
  }
  running = false;
  await clients;
  assert.deepEqual([...seen.other], []);
  // After that, all requests succeed again.
  for (let i = 0; i < 200; ++i) {
    assert.deepEqual(await within(20000, 'an answer', ask(agent, gateway.ports[0], mixed(i))),
      { status: 200, right: true });
  }
  t.diagnostic(JSON.stringify({ ...seen, other: 0 }));
});
