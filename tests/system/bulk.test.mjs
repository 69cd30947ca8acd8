// Bulk data, and readers that stop reading.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import WebSocket from 'ws';
import {
  RawClient, echoServer, makeCertificates, residentBytes, sanitized, startGateway, tcpServer, temporaryFolder, tlsBlock,
  within,
} from './support.mjs';

const MiB = 1024 * 1024;

test('1 GiB through wss to a TCP echo and back has the same SHA-256', { timeout: 600000 }, async (t) => {
  const total = sanitized ? 64 * MiB : 1024 * MiB;
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const echo = await echoServer(t);
  const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", ${tlsBlock(certificates)} } ]
admin: { address: "127.0.0.1:0" }
backends: { echo: { servers: [ "tcp://127.0.0.1:${echo}" ] } }
routes: [ { path: /, backend: echo } ]
`, { folder });
  const socket = new WebSocket(`wss://localhost:${gateway.ports[0]}/`,
    { ca: certificates.ca, perMessageDeflate: false });
  await within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
  const sent = crypto.createHash('sha256');
  const got = crypto.createHash('sha256');
  let received = 0;
  const all = new Promise((resolve, reject) => {
    socket.on('message', (data) => {
      got.update(data);
      received += data.length;
      if (received >= total) resolve();
    });
    socket.on('close', (code) => reject(new Error(`closed with ${code} after ${received} bytes`)));
  });
  const block = crypto.randomBytes(256 * 1024);
  for (let offset = 0; offset < total; offset += block.length) {
    block.writeBigUInt64LE(BigInt(offset), 0);
    const piece = Buffer.from(block);
    sent.update(piece);
    await new Promise((resolve, reject) => socket.send(piece, (error) => (error ? reject(error) : resolve())));
    // Stays at most a few MiB ahead, so that the test measures the gateway and not this process.
    while (offset - received > 16 * MiB) await new Promise((resolve) => socket.once('message', resolve));
  }
  await all;
  assert.equal(received, total);
  assert.equal(got.digest('hex'), sent.digest('hex'));
  const stats = await gateway.stats();
  assert.equal(stats.servers[0].bytes_sent, total);
  assert.equal(stats.servers[0].bytes_received, total);
  socket.removeAllListeners('close');
  socket.terminate();
});

// Offers far more data than the sockets can hold to a reader that does not read. The growth of the gateway's memory is
// what it holds for the connection.
for (const secure of [false, true]) {
  for (const stalled of ['client', 'server']) {
    test(`a ${stalled} that does not read costs less than 1 MiB (${secure ? 'wss' : 'ws'})`, async (t) => {
      const folder = temporaryFolder(t);
      const certificates = makeCertificates(folder);
      const flood = Buffer.alloc(64 * 1024, 0x61);
      let pushed = 0;
      const push = (write, progressed) => {
        const more = (error) => {
          if (error) return;
          pushed += flood.length;
          progressed();
          write(flood, more);
        };
        write(flood, more);
      };
      let progressed = () => {};
      const port = await tcpServer(t, (server) => {
        if (stalled === 'server') {
          server.pause();
          return;
        }
        server.once('data', () => push((data, done) => server.write(data, done), () => progressed()));
      });
      const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0"${secure ? `, ${tlsBlock(certificates)}` : ''} } ]
workers: 1
backends: { b: { servers: [ "tcp://127.0.0.1:${port}" ] } }
routes: [ { path: /, backend: b } ]
`, { folder });
      const scheme = secure ? 'wss' : 'ws';
      const connect = async () => {
        const socket = new WebSocket(`${scheme}://localhost:${gateway.ports[0]}/`,
          { ca: certificates.ca, perMessageDeflate: false });
        await within(20000, 'open', new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)));
        return socket;
      };
      // One session first, to exclude one-time allocations.
      const first = await connect();
      first.send('x');
      first.terminate();
      await gateway.logged((e) => e.event === 'session close', 'the first session to end');
      const before = residentBytes(gateway.pid);
      pushed = 0;
      const socket = await connect();
      // Quiet: the flooding side has made no progress for a second.
      const quiet = new Promise((resolve) => {
        let timer = setTimeout(resolve, 1000);
        progressed = () => { clearTimeout(timer); timer = setTimeout(resolve, 1000); };
      });
      if (stalled === 'client') {
        socket.send('go');
        socket.pause();
      } else {
        push((data, done) => socket.send(data, done), () => progressed());
      }
      await within(60000, 'the flood to stop', quiet);
      const grown = residentBytes(gateway.pid) - before;
      t.diagnostic(`${pushed} bytes taken, resident memory grew by ${grown}`);
      assert.ok(pushed > 200 * 1024, `only ${pushed} bytes were accepted before it stopped`);
      assert.ok(pushed < 64 * MiB, 'backpressure never stopped the flood');
      if (!sanitized) assert.ok(grown < MiB, `grew by ${grown} bytes`);
      socket.terminate();
    });
  }
}
