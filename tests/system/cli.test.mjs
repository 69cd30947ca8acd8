// The command line: output, exit codes, and errors about configurations that cannot work.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import WebSocket from 'ws';
import {
  RawClient, binary, echoServer, makeCertificates, start, startGateway, startWithFiles, temporaryFolder, tlsBlock,
  unusedPort, within,
} from './support.mjs';

async function upgate(t, ...args) {
  const child = start(t, binary, args);
  const code = await within(30000, `upgate ${args[0]}`, child.exited);
  return { code, out: child.output, err: child.errors };
}

test('version and usage', async (t) => {
  const version = await upgate(t, 'version');
  assert.equal(version.code, 0);
  assert.match(version.out, /^upgate \d+\.\d+\.\d+\n(  [\w-]+ .+\n)+$/);
  assert.equal((await upgate(t, '--help')).code, 0);
  const bare = await upgate(t);
  assert.equal(bare.code, 2);
  assert.match(bare.err, /demo/);
  assert.equal((await upgate(t, 'nonsense')).code, 2);
  const run = await upgate(t, 'run');
  assert.equal(run.code, 2);
  assert.match(run.err, /^upgate run: .*--config/);
  const demo = await upgate(t, 'demo', '--port', '70000');
  assert.equal(demo.code, 2);
  assert.match(demo.err, /--port.*65535/);
});

test('the limit on file descriptors is raised to the hard limit', async (t) => {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file,
    'listeners: [ { address: "127.0.0.1:0" } ]\nworkers: 1\nroutes: [ { path: /, plugin: echo } ]\n');
  const child = start(t, 'sh', ['-c', 'ulimit -n 700 && ulimit -Sn 300 && exec "$0" run --config "$1"', binary, file]);
  await within(20000, 'upgate to serve', new Promise((resolve, reject) => {
    child.stderr.on('data', () => child.errors.includes('serving') && resolve());
    child.exited.then((code) => reject(new Error(`upgate ended with ${code}: ${child.errors}`)));
  }));
  assert.match(fs.readFileSync(`/proc/${child.pid}/limits`, 'utf8'), /^Max open files +700 +700 /m);
  child.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', child.exited), 0);
});

test('check warns of a policy that a route for a host bypasses', async (t) => {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file, `listeners: [ { address: "127.0.0.1:0" } ]
routes:
  - { path: /private/*, plugin: echo, require_origin: true }
  - { path: /*, hosts: [ a.test ], plugin: echo }
`);
  const { code, out, err } = await upgate(t, 'check', '--config', file);
  assert.equal(code, 0);
  assert.match(out, /: good; /);
  assert.match(err, /^[^\n]+:3:5: routes\[0\]: warning: its require_origin does not apply on a\.test, /);
  assert.match(err, / routes\[1\] \(line 4\)[^\n]+\n$/);
});

test('check reports errors of plugins and certificates together with all others', async (t) => {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file, `listeners:
  - { address: "127.0.0.1:0", tls: { certificates: [ { cert: gone.crt, key: gone.key } ] } }
  - { adress: 127.0.0.1 }
routes:
  - { path: /a, plugin: ecko }
  - { path: /b/*, plugin: redirect, options: { too: / } }
  - { path: /c, plugin: echo, limits: { idle: 5 } }
  - { path: /d, plugin: ecko, limits: { idle: 5 } }
`);
  for (const command of ['check', 'run']) {
    const { code, err } = await upgate(t, command, '--config', file);
    assert.equal(code, 1);
    const said = err.trim().split('\n').map((line) => line.slice(file.length + 1));
    const places = said.map((line) => /^(\d+):\d+: ([^ ]+):/.exec(line)?.slice(1).join(' '));
    assert.deepEqual(places, [
      '2 listeners[0].tls.certificates[0].cert', '2 listeners[0].tls.certificates[0].key',
      '3 listeners[1].address', '3 listeners[1].adress',
      '5 routes[0].plugin', '6 routes[1].options.to', '6 routes[1].options.too', '7 routes[2].limits.idle',
      '8 routes[3].limits.idle',
    ], err);
  }
});

test('check reads each certificate once', async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = makeCertificates(folder);
  // A FIFO has one reader: a second read would block.
  execFileSync('mkfifo', [`${folder}/once`]);
  fs.writeFileSync(`${folder}/upgate.yaml`,
    `listeners: [ { address: "127.0.0.1:0", ${tlsBlock({ cert, key: `${folder}/once` })} } ]\n` +
    'routes: [ { path: /, plugin: echo } ]\n');
  const writer = start(t, 'sh', ['-c', 'cat "$0" > "$1"', key, `${folder}/once`]);
  const { code, out, err } = await upgate(t, 'check', '--config', `${folder}/upgate.yaml`);
  assert.equal(err, '');
  assert.match(out, /: good; /);
  assert.equal(code, 0);
  assert.equal(await within(20000, 'the key to be read', writer.exited), 0);
});

test('check reports every error with its position and the correct form', async (t) => {
  const folder = temporaryFolder(t);
  const file = `${folder}/upgate.yaml`;
  fs.writeFileSync(file, `listeners:
  - adress: 127.0.0.1:8080
backends:
  b: { servers: [ "tpc://127.0.0.1:1" ] }
routes:
  - { path: /x, backend: bb, limits: { idle: 5 } }
`);
  const { code, err } = await upgate(t, 'check', '--config', file);
  assert.equal(code, 1);
  assert.ok(err.includes(`${file}:2:5: listeners[0].adress: unknown key; did you mean 'address'?`), err);
  for (const part of [':4:', 'tpc', ':6:', "'b'", 'idle']) assert.ok(err.includes(part), `${part} in ${err}`);
  const missing = await upgate(t, 'check', '--config', `${folder}/none.yaml`);
  assert.equal(missing.code, 1);
  assert.ok(missing.err.includes('none.yaml'));
});

test('check and run name the line of an unusable file, port or certificate', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const second = fs.mkdtempSync(`${folder}/second-`);
  const others = makeCertificates(second);
  const taken = net.createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const routes = 'routes: [ { path: /, plugin: echo } ]\n';
  const cases = [
    [`listeners:\n  - address: 127.0.0.1:${taken.address().port}\n`, 2, /in use/],
    [`listeners:\n  - address: 127.0.0.1:0\n    tls:\n      certificates:\n        - cert: gone.crt\n` +
      `          key: ${certificates.key}\n`,
      5, /gone\.crt/],
    [`listeners:\n  - address: 127.0.0.1:0\n    tls:\n      certificates:\n        - cert: ${certificates.cert}\n` +
      `          key: ${others.key}\n`,
      6, /does not belong/],
    [`listeners:\n  - address: 127.0.0.1:0\n    tls:\n      certificates:\n        - cert: ${certificates.key}\n` +
      `          key: ${certificates.key}\n`,
      5, /certificate/],
    ['listeners:\n  - address: 127.0.0.1:0\nbackends:\n' +
      '  b: { servers: [ "tls://localhost:1" ], tls: { ca: none.pem } }\n', 4, /none\.pem/],
    ['listeners:\n  - address: nowhere.invalid:0\n', 2, /nowhere\.invalid/],
  ];
  for (const [yaml, line, what] of cases) {
    const file = `${folder}/case.yaml`;
    fs.writeFileSync(file, yaml + routes);
    for (const command of ['check', 'run']) {
      const { code, err } = await upgate(t, command, '--config', file);
      assert.equal(code, 1, `${command}: ${yaml}${err}`);
      assert.match(err, what);
      assert.ok(err.startsWith(`${file}:${line}:`), `${command}: ${err}`);
    }
  }
  const file = `${folder}/plugin.yaml`;
  fs.writeFileSync(file, 'listeners: [ { address: "127.0.0.1:0" } ]\nroutes:\n  - { path: /, plugin: ecko }\n');
  const { code, err } = await upgate(t, 'check', '--config', file);
  assert.equal(code, 1);
  assert.match(err, /:3:.*did you mean 'echo'/);
});

test('a valid configuration is accepted, with environment variables', async (t) => {
  const folder = temporaryFolder(t);
  const file = `${folder}/upgate.yaml`;
  fs.writeFileSync(file,
    'listeners: [ { address: "127.0.0.1:${TEST_PORT:-0}" } ]\nroutes: [ { path: /, plugin: "${TEST_PLUGIN}" } ]\n');
  const good = start(t, binary, ['check', '-c', file], { env: { ...process.env, TEST_PLUGIN: 'echo' } });
  assert.equal(await good.exited, 0, good.errors);
  assert.match(good.output, /good/);
  const unset = await upgate(t, 'check', '-c', file);
  assert.equal(unset.code, 1);
  assert.match(unset.err, /TEST_PLUGIN/);
});

test('SIGTERM closes sessions with 1001 and exits with 0', async (t) => {
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
workers: 2
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes: [ { path: /, backend: echo } ]
`);
  const sockets = await Promise.all(Array.from({ length: 20 }, async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports[0]}/`);
    await within(20000, 'open', once(socket, 'open'));
    return socket;
  }));
  const codes = Promise.all(sockets.map((s) => once(s, 'close').then(([code]) => code)));
  gateway.child.kill('SIGTERM');
  assert.deepEqual(await within(20000, 'closes', codes), Array(20).fill(1001));
  assert.equal(await within(20000, 'the end', gateway.child.exited), 0);
  await gateway.logged((e) => e.event === 'stopped', 'the last line');
  assert.equal(gateway.log.filter((e) => e.event === 'session close').length, 20);
});

test('a second gateway on the same port is refused, but may check its configuration', async (t) => {
  for (const workers of [1, 2]) {
    const gateway = await startGateway(t,
      `listeners: [ { address: "127.0.0.1:0" } ]\nworkers: ${workers}\nroutes: [ { path: /, plugin: echo } ]\n`);
    const file = `${temporaryFolder(t)}/second.yaml`;
    fs.writeFileSync(file,
      `listeners:\n  - address: 127.0.0.1:${gateway.ports[0]}\nroutes: [ { path: /, plugin: echo } ]\n`);
    const run = await upgate(t, 'run', '--config', file);
    assert.equal(run.code, 1);
    assert.match(run.err, /:2:14: listeners\[0\]\.address: cannot listen: .*in use/);
    const check = await upgate(t, 'check', file);
    assert.equal(check.code, 0, check.err);
  }
});

test('of two gateways that start at the same time exactly one gets the port', async (t) => {
  const port = await unusedPort();
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file,
    `listeners:\n  - address: 127.0.0.1:${port}\nworkers: 3\nroutes: [ { path: /, plugin: echo } ]\n`);
  for (let round = 0; round < 15; round++) {
    const both = [0, 1].map(() => start(t, binary, ['run', '--config', file]));
    const told = (child) => new Promise((resolve) => {
      child.stderr.on('data', () => { if (child.errors.includes('serving')) resolve('serves'); });
      child.exited.then(() => resolve('ended'));
    });
    const fates = await within(20000, 'both to serve or exit', Promise.all(both.map(told)));
    assert.deepEqual([...fates].sort(), ['ended', 'serves'], both.map((c) => c.errors).join('\n'));
    const [winner, loser] = fates[0] === 'serves' ? both : both.toReversed();
    assert.equal(await loser.exited, 1);
    assert.match(loser.errors, /cannot listen: .*in use/);
    winner.kill('SIGTERM');
    assert.equal(await within(20000, 'the end', winner.exited), 0);
  }
});

test('the shutdown ends after its timeout even if clients do not answer', async (t) => {
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
shutdown: { timeout: 300ms }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes: [ { path: /, backend: echo, limits: { close_timeout: 1h } } ]
`);
  const client = await RawClient.connect(gateway.ports[0]);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await client.head();
  gateway.child.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', gateway.child.exited), 0);
  client.close();
});

test('demo serves ws and wss in front of a TCP server', async (t) => {
  const demo = start(t, binary, ['demo', '--port', '0', '--tls-port', '0']);
  await within(20000, 'the URLs', new Promise((resolve, reject) => {
    demo.stdout.on('data', () => demo.output.includes('Ctrl-C') && resolve());
    demo.exited.then((code) => reject(new Error(`demo ended with ${code}: ${demo.errors}`)));
  }));
  const urls = [...demo.output.matchAll(/wss?:\/\/localhost:\d+\/[\w-]+/g)].map((m) => m[0]);
  assert.ok(urls.some((u) => u.startsWith('wss:')) && urls.some((u) => u.startsWith('ws:')), demo.output);
  for (const url of new Set(urls)) {
    const socket = new WebSocket(url, { rejectUnauthorized: false });
    await within(20000, `open ${url}`,
      new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
    socket.send('hello');
    const [data] = await within(20000, 'the echo', once(socket, 'message'));
    assert.equal(data.toString(), 'hello');
    socket.close();
    await within(20000, 'close', once(socket, 'close'));
  }
  demo.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', demo.exited), 0);
});

test('with too few file descriptors every command fails with one clear error', async (t) => {
  const file = `${temporaryFolder(t)}/upgate.yaml`;
  fs.writeFileSync(file,
    'listeners: [ { address: "127.0.0.1:0" } ]\nworkers: 2\nroutes: [ { path: /, plugin: echo } ]\n');
  const told = async (files, ...args) => {
    const child = startWithFiles(t, files, args);
    const code = await within(30000, `upgate ${args[0]}`, child.exited);
    return { code, err: child.errors };
  };
  for (const files of [8, 9, 10, 12, 16, 20, 24, 30, 40]) {
    const { code, err } = await told(files, 'run', '--config', file);
    assert.equal(code, 1, `${files}: ${err}`);
    assert.match(err, new RegExp(
      `^[^\\n]*: too few file descriptors: at least \\d+ are needed, and the process may have ${files}; ` +
      'raise the limit with ulimit -n 1024, LimitNOFILE=1024 in a systemd unit, or docker --ulimit nofile=1024\\n$'));
  }
  for (const args of [['check', file], ['demo', '--port', '0', '--tls-port', '0'], ['probe', 'http://127.0.0.1:1/']]) {
    const { code, err } = await told(8, ...args);
    assert.equal(code, 1, err);
    assert.match(err, /^[^\n]*too few file descriptors: [^\n]*\n$/);
  }
});

test('a configuration is a regular file, or standard input if requested', async (t) => {
  const folder = temporaryFolder(t);
  execFileSync('mkfifo', [`${folder}/fifo`]);
  for (const [file, kind] of [[`${folder}/fifo`, 'a FIFO'], ['/dev/zero', 'a device'], [folder, 'a folder']]) {
    for (const command of ['check', 'run']) {
      const { code, err } = await upgate(t, command, file);
      assert.equal(code, 1);
      assert.equal(err,
        `${file}: cannot be read: is ${kind}; write the path of a regular file, or - for standard input\n`);
    }
  }
  const fed = (text, ...args) => {
    const child = start(t, binary, args);
    child.stdin.end(text);
    return child;
  };
  const good = 'listeners: [ { address: "127.0.0.1:0" } ]\nroutes: [ { path: /, plugin: echo } ]\n';
  const check = fed(good, 'check', '-');
  assert.equal(await within(20000, 'the check', check.exited), 0, check.errors);
  assert.match(check.output, /^standard input: good;/);
  const wrong = fed(`${good}nonsense: 1\n`, 'check', '-c', '-');
  assert.equal(await within(20000, 'the check', wrong.exited), 1);
  assert.match(wrong.errors, /^standard input:3:1: nonsense: unknown key/);
  const run = fed(good, 'run', '-');
  await within(20000, 'it to serve', new Promise((resolve) => {
    run.stderr.on('data', () => { if (run.errors.includes('serving')) resolve(); });
  }));
  run.kill('SIGTERM');
  assert.equal(await within(20000, 'the end', run.exited), 0);
});
