// A room of two thousand subscribers on two loops.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { RawClient, residentBytes, sanitized, startGateway, temporaryFolder, within } from './support.mjs';

const MiB = 1024 * 1024;
const subscribers = sanitized ? 200 : 2000;
const burst = 16;
const bursts = sanitized ? 50 : 63;
const messages = burst * bursts;
// Large enough that all messages together exceed a stalled reader's socket and queue.
const payloadSize = sanitized ? 1024 : 768;
const frameSize = 4 + payloadSize;
// Bursts in flight: subscribers are only as fast as this process, which is not to be measured.
const window = 4;

const upgrade = (target) =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

// The data of a subscriber: a head, then messages of one size that are numbered from 0, then possibly a Close.
class Numbers {
  constructor() {
    this.next = 0;
    this.rest = Buffer.alloc(0);
    this.open = false;
    this.wrong = undefined;
    this.close = undefined;
  }
  feed(chunk) {
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    if (!this.open) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end >= 0) {
        this.open = bytes.toString('latin1', 0, 12) === 'HTTP/1.1 101';
        if (!this.open) this.wrong ??= bytes.toString('latin1', 0, end);
        bytes = bytes.subarray(end + 4);
      }
    }
    let at = 0;
    if (this.open) {
      while (bytes.length - at >= 4) {
        if (bytes[at] === 0x88) {
          if (bytes.length - at < 2 + bytes[at + 1]) break;
          this.close = bytes.readUInt16BE(at + 2);
          at += 2 + bytes[at + 1];
          continue;
        }
        if (bytes.length - at < frameSize) break;
        const sound = bytes[at] === 0x82 && bytes[at + 1] === 126 && bytes.readUInt16BE(at + 2) === payloadSize;
        const number = bytes.readUInt32BE(at + 4);
        if (!sound || number !== this.next) this.wrong ??= `message ${number} where ${this.next} should be`;
        this.next += 1;
        at += frameSize;
      }
    }
    this.rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }
}

// All subscribers share one read buffer.
function subscribe(t, port, changed) {
  const numbers = new Numbers();
  const buffer = subscribe.buffer ??= Buffer.alloc(256 * 1024);
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: { buffer, callback: (size, bytes) => { numbers.feed(bytes.subarray(0, size)); changed(numbers); return true;
      } },
  });
  socket.on('connect', () => socket.write(upgrade('/room')));
  socket.on('error', (error) => { numbers.wrong ??= error.message; changed(numbers); });
  socket.on('close', () => { numbers.wrong ??= 'closed'; changed(numbers); });
  t.after(() => socket.destroy());
  return numbers;
}

function burstFrom(first) {
  const frames = [];
  for (let i = first; i < first + burst; ++i) {
    const payload = Buffer.alloc(payloadSize, 0x6d);
    payload.writeUInt32BE(i, 0);
    frames.push(Buffer.from([0x82, 0x80 | 126, payloadSize >> 8, payloadSize & 0xff, 0, 0, 0, 0]), payload);
  }
  return Buffer.concat(frames);
}

// User and system time of a process so far, in seconds.
function processorTime(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return { user: Number(fields[11]) / 100, system: Number(fields[12]) / 100 };
}

test(`${subscribers} subscribers on two loops get ${messages} messages each, in order, even if one stalls`,
  { timeout: 120000 },
  async (t) => {
    const folder = temporaryFolder(t);
    // A unix socket has small buffers, so a stalled reader is noticed early.
    const unix = path.join(folder, 'gateway.sock');
    const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0", backlog: 4096 }, { address: "unix:${unix}" } ]
admin: { address: "127.0.0.1:0" }
workers: 2
routes:
  - { path: /room, plugin: broadcast, options: { queue: 64KiB }, limits: { close_timeout: 60s, ping_interval: 0 } }
`, { folder });

    // The number of subscribers that have received each complete burst; the first burst is the handshake.
    const reached = new Array(bursts + 1).fill(0);
    let failed;
    let changed = () => {};
    const all = [];
    const stagesOf = new Map();
    const progress = (numbers) => {
      if (numbers.wrong && !failed) failed = numbers.wrong;
      let stage = stagesOf.get(numbers) ?? 0;
      while (numbers.open && stage <= Math.floor(numbers.next / burst)) reached[stage++] += 1;
      stagesOf.set(numbers, stage);
      changed();
    };
    const everybodyAt = (stage) => within(60000, `burst ${stage} at all subscribers`, new Promise((resolve, reject) => {
      changed = () => {
        if (failed) reject(new Error(failed));
        else if (reached[stage] === subscribers) resolve();
      };
      changed();
    }));

    for (let i = 0; i < subscribers; ++i) all.push(subscribe(t, gateway.ports[0], progress));
    await everybodyAt(0);
    const publisher = await RawClient.connect(gateway.ports[0]);
    t.after(() => publisher.close());
    publisher.send(upgrade('/room?query=none'));
    assert.match(await publisher.head(), /^HTTP\/1\.1 101 /);
    const stalled = net.connect(unix);
    t.after(() => stalled.destroy());
    stalled.write(upgrade('/room'));
    const seen = new Numbers();
    seen.feed((await once(stalled, 'data'))[0]);
    stalled.pause();
    assert.ok(seen.open);

    const loops = (await gateway.stats()).loops;
    assert.equal(loops.length, 2);
    for (const loop of loops)
      assert.ok(loop.sessions_open > subscribers / 10, `${loop.sessions_open} sessions on a loop`);

    const before = residentBytes(gateway.pid);
    const processor = processorTime(gateway.pid);
    for (let i = 0; i < bursts; ++i) {
      if (i >= window) await everybodyAt(i - window + 1);
      publisher.socket.write(burstFrom(i * burst));
    }
    await everybodyAt(bursts);
    const grown = residentBytes(gateway.pid) - before;
    const now = processorTime(gateway.pid);
    const million = (kind) => ((now[kind] - processor[kind]) / (subscribers * messages) * 1e6).toFixed(3);
    const costs = `${million('user')} s user, ${million('system')} s system`;
    t.diagnostic(`a million deliveries: ${costs}; memory grew by ${grown}`);
    for (const numbers of all) assert.equal(numbers.next, messages);
    if (!sanitized) assert.ok(grown < 64 * MiB, `resident memory grew by ${grown} bytes`);

    // The stalled one finds the first messages, in order, and the reason for the Close.
    stalled.on('data', (chunk) => {
      seen.feed(chunk);
      if (seen.close) stalled.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, seen.close >> 8, seen.close & 0xff]));
    });
    stalled.resume();
    const end = await gateway.logged((e) => e.event === 'session close' && e.code === 1013,
      'the end of the stalled session');
    assert.equal(end.why, 'too slow');
    assert.equal(seen.wrong, undefined);
    assert.equal(seen.close, 1013);
    assert.ok(seen.next > burst && seen.next < messages, `${seen.next} messages before the Close`);
    const stats = await gateway.stats();
    assert.equal(stats.routes[0].sessions_open, subscribers + 1);
  });

// Loops post to each other as fast as they can while clients come and go; then the gateway is stopped. The queue has
// room for everything that one listener gets, so that it does not matter how slowly this program reads.
test('publishers on both loops flood a room, in order, and the gateway still stops on SIGTERM',
  { timeout: 120000 },
  async (t) => {
    const publishers = 6;
    const total = sanitized ? 300 : 1000;
    const gateway = await startGateway(t, `
listeners: [ { address: "127.0.0.1:0" } ]
workers: 2
shutdown: { timeout: 5s }
routes: [ { path: /room, plugin: broadcast, options: { queue: 64MiB } } ]
`);
    const join = async () => {
      const client = await RawClient.connect(gateway.ports[0]);
      t.after(() => client.close());
      client.send(upgrade('/room'));
      assert.match(await client.head(), /^HTTP\/1\.1 101 /);
      return client;
    };
    const size = 8192;
    const flood = (client, who, first, count) => {
      for (let i = first; i < first + count; ++i) {
        const frame = Buffer.alloc(8 + size);
        frame.set([0x82, 0x80 | 126, size >> 8, size & 0xff]);
        frame[8] = who;
        frame.writeUInt32BE(i, 9);
        client.socket.write(frame);
      }
    };
    // A listener counts the messages of each publisher.
    const listen = (client) => {
      const heard = new Array(publishers).fill(0);
      const everything = new Promise((resolve, reject) => {
        let rest = Buffer.alloc(0);
        client.socket.removeAllListeners('data');
        client.socket.on('close', () => reject(new Error('a listener was closed')));
        client.socket.on('data', (chunk) => {
          const bytes = Buffer.concat([rest, chunk]);
          let at = 0;
          for (; bytes.length - at >= 4 + size; at += 4 + size) {
            const who = bytes[at + 4];
            const number = bytes.readUInt32BE(at + 5);
            if (bytes[at] !== 0x82 || number !== heard[who])
              return reject(new Error(`${number} of ${who} after ${heard[who]}`));
            heard[who] += 1;
          }
          rest = bytes.subarray(at);
          if (heard.every((n) => n === total)) resolve();
        });
      });
      everything.catch(() => {});
      return everything;
    };
    const listeners = await Promise.all(Array.from({ length: 8 }, join));
    const everything = Promise.all(listeners.map(listen));
    const senders = await Promise.all(Array.from({ length: publishers }, join));
    for (const sender of senders) sender.socket.removeAllListeners('data').resume();
    senders.forEach((sender, who) => flood(sender, who, 0, total));
    const visitors = (async () => {
      for (let i = 0; i < 50; ++i) (await join()).close();
    })();
    await within(60000, 'all messages at all listeners', everything);
    await visitors;

    senders.forEach((sender, who) => flood(sender, who, total, total));
    gateway.child.kill('SIGTERM');
    assert.equal(await within(30000, 'upgate to stop', gateway.child.exited), 0);
  });
