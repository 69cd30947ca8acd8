// Clients of the drafts before RFC 6455, on raw sockets, with and without TLS: to a TCP server, to a real WebSocket
// server, and to built-in services.
import test from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { WebSocketServer } from 'ws';
import {
  RawClient, echoServer, frame, listen, makeCertificates, startGateway, temporaryFolder, tlsBlock, within,
} from './support.mjs';

// A hixie-76 key and the number it encodes: digits and spaces, mixed with other characters.
function makeKey() {
  const spaces = crypto.randomInt(1, 12);
  const number = crypto.randomInt(0, Math.floor(0xffffffff / spaces));
  const characters = [...String(number * spaces)];
  const strew = (c) => characters.splice(crypto.randomInt(1, characters.length + 1), 0, c);
  for (let i = crypto.randomInt(1, 12); i > 0; --i) strew(String.fromCharCode(crypto.randomInt(0x3a, 0x7f)));
  characters.push('!');
  for (let i = 0; i < spaces; ++i) characters.splice(crypto.randomInt(1, characters.length), 0, ' ');
  return { key: characters.join(''), number };
}

const bigEndian = (number) => { const b = Buffer.alloc(4); b.writeUInt32BE(number); return b; };

class OldClient {
  // Opens a WebSocket like a client of the draft, and checks the response like one. `late`: sends the 8 bytes
  // separately from the head.
  static async open(dialect, { port, secure, ca, target, fields = '', late = false, origin }) {
    const raw = await RawClient.connect(port, secure ? { secure, ca, servername: 'localhost' } : {});
    const host = `localhost:${port}`;
    const keys = [makeKey(), makeKey()];
    const key3 = crypto.randomBytes(8);
    let request = `GET ${target} HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: ${host}\r\n` +
      `Origin: ${origin ?? (secure ? 'https' : 'http') + '://' + host}\r\n${fields}`;
    if (dialect === 'hixie76')
      request += `Sec-WebSocket-Key1: ${keys[0].key}\r\nSec-WebSocket-Key2: ${keys[1].key}\r\n`;
    raw.send(`${request}\r\n`);
    const client = new OldClient(raw, dialect);
    if (dialect === 'hixie76') {
      if (late) for (const byte of key3) await raw.sendBytewise(String.fromCharCode(byte));
      else raw.send(key3.toString('latin1'));
    }
    client.head = await raw.head();
    if (!client.head.startsWith('HTTP/1.1 101')) return client;
    const prefix = dialect === 'hixie76' ? 'Sec-WebSocket' : 'WebSocket';
    assert.ok(client.head.startsWith(
      `HTTP/1.1 101 ${dialect === 'hixie76' ? 'WebSocket' : 'Web Socket'} Protocol Handshake\r\n` +
        `Upgrade: WebSocket\r\nConnection: Upgrade\r\n`));
    assert.ok(client.head.includes(`\r\n${prefix}-Location: ${secure ? 'wss' : 'ws'}://${host}${target}\r\n`),
      client.head);
    assert.ok(client.head.includes(`\r\n${prefix}-Origin: ${secure ? 'https' : 'http'}://${host}\r\n`), client.head);
    if (dialect === 'hixie76') {
      const proof = crypto.createHash('md5')
        .update(Buffer.concat([bigEndian(keys[0].number), bigEndian(keys[1].number), key3])).digest('latin1');
      await raw.until((c) => c.received.length >= 16, 'the proof');
      assert.equal(raw.received.slice(0, 16), proof);
      raw.received = raw.received.slice(16);
    }
    return client;
  }
  constructor(raw, dialect) { Object.assign(this, { raw, dialect }); }
  send(text) { this.raw.send(`\0${Buffer.from(text).toString('latin1')}\xff`); }
  async text() {
    await this.raw.until((c) => c.received.includes('\xff') || c.ended, 'a text');
    const end = this.raw.received.indexOf('\xff');
    assert.equal(this.raw.received[0], '\0', JSON.stringify(this.raw.received.slice(0, 40)));
    const text = this.raw.received.slice(1, end);
    this.raw.received = this.raw.received.slice(end + 1);
    return Buffer.from(text, 'latin1').toString();
  }
  // Waits until `text()` has returned this many characters.
  async texts(length) {
    let all = '';
    while (all.length < length) all += await this.text();
    return all;
  }
  close() { this.dialect === 'hixie76' ? this.raw.send('\xff\0') : this.raw.socket.end(); }
  // The server's end: the closing handshake in -76, and the end of the connection.
  async closed() {
    await this.raw.end();
    assert.equal(this.raw.received, this.dialect === 'hixie76' ? '\xff\0' : '');
  }
}

async function startAll(t) {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const tcp = await echoServer(t);
  const server = http.createServer();
  const ws = await listen(t, server);
  const sockets = new WebSocketServer({ server });
  // Close codes that the server received.
  const closes = {
    codes: [],
    changed: () => {},
    first: (n) => within(20000, 'the server to see the close', new Promise((resolve) => {
      closes.changed = () => { if (closes.codes.length >= n) resolve(closes.codes); };
      closes.changed();
    })),
  };
  sockets.on('connection', (socket, request) => {
    socket.version = request.headers['sec-websocket-version'];
    socket.on('message', (data, binary) => {
      if (data.toString() === 'version') socket.send(socket.version);
      else if (data.toString() === 'binary') socket.send(Buffer.from([0xff, 0x00]));
      else if (data.toString() === 'close') socket.close(4000, 'enough');
      else if (data.toString() === 'ping') socket.ping('are you there?');
      else socket.send(data, { binary });
    });
    socket.on('pong', (data) => socket.send(`pong ${data}`));
    socket.on('close', (code) => { closes.codes.push(code); closes.changed(); });
    socket.on('error', () => {});
  });
  t.after(() => { for (const socket of sockets.clients) socket.terminate(); });
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", dialects: [ rfc6455, hybi08, hixie76, hixie75 ] }
  - { address: "127.0.0.1:0", dialects: [ rfc6455, hybi08, hixie76, hixie75 ], ${tlsBlock(certificates)} }
  - { address: "127.0.0.1:0" }
admin: { address: "127.0.0.1:0" }
workers: 1
backends:
  bytes: { servers: [ "tcp://127.0.0.1:${tcp}" ] }
  live: { servers: [ "ws://127.0.0.1:${ws}" ] }
routes:
  - { path: /bytes, backend: bytes, limits: { message_size: 4MiB } }
  - { path: /live, backend: live, limits: { message_size: 4MiB } }
  - { path: /echo, plugin: echo, limits: { message_size: 4MiB } }
`, { folder });
  const fronts = [{ port: gateway.ports[0] }, { port: gateway.ports[1], secure: true, ca: certificates.ca }];
  return { gateway, fronts, closes };
}

test('texts pass in both directions, to bytes, to frames and to a service, with and without TLS', async (t) => {
  const { gateway, fronts, closes } = await startAll(t);
  const messages = ['hello', 'gr\u00fc\u00df \u20ac \u{1f600}', 'x'.repeat(100_000), 'y'.repeat(1_000_000)];
  for (const dialect of ['hixie76', 'hixie75']) {
    for (const front of fronts) {
      for (const target of ['/bytes', '/live?a=%20b', '/echo']) {
        const client = await OldClient.open(dialect, { ...front, target, late: true });
        for (const message of messages) {
          client.send(message);
          assert.equal(await client.texts(message.length), message, `${dialect} ${target}`);
        }
        client.close();
        await client.closed();
      }
    }
  }
  for (let id = 1; id <= 12; ++id) {
    const end = await gateway.logged((e) => e.event === 'session close' && e.id === id);
    assert.equal(end.code, 1000);
    assert.equal(end.dialect, id <= 6 ? 'hixie76' : 'hixie75');
  }
  assert.deepEqual(await closes.first(4), [1000, 1000, 1000, 1000]);
  const stats = await gateway.stats();
  assert.deepEqual(stats.totals.sessions_by_dialect, { rfc6455: 0, hybi08: 0, hixie76: 6, hixie75: 6 });
});

test('binary data passes as base64', async (t) => {
  const { fronts } = await startAll(t);
  const bytes = crypto.randomBytes(50_000);
  for (const front of fronts) {
    const client = await OldClient.open('hixie76', { ...front, target: '/bytes?encoding=base64' });
    client.send(bytes.toString('base64'));
    let back = Buffer.alloc(0);
    while (back.length < bytes.length) back = Buffer.concat([back, Buffer.from(await client.text(), 'base64')]);
    assert.ok(back.equals(bytes));
    client.close();
    await client.closed();
  }
});

test('a WebSocket server sees a client of RFC 6455, and its closes reach the old client', async (t) => {
  const { fronts: [front], closes } = await startAll(t);
  const client = await OldClient.open('hixie76', { ...front, target: '/live' });
  client.send('version');
  assert.equal(await client.text(), '13');
  client.send('ping');
  assert.equal(await client.text(), 'pong are you there?');
  client.send('close');
  await client.raw.until((c) => c.received.length >= 2, 'the closing handshake');
  assert.equal(client.raw.received, '\xff\0');
  client.close();
  await client.raw.end();
  client.raw.close();
  assert.deepEqual(await closes.first(1), [1000]);

  const other = await OldClient.open('hixie75', { ...front, target: '/live' });
  other.send('binary');
  await other.closed();
  other.raw.close();
  assert.deepEqual(await closes.first(2), [1000, 1003]);
});

test('version 8 is RFC 6455 with a different name for Origin', async (t) => {
  const { fronts: [front], gateway } = await startAll(t);
  const open = async (origin) => {
    const raw = await RawClient.connect(front.port);
    raw.send(`GET /bytes HTTP/1.1\r\nHost: localhost:${front.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n` +
        `Sec-WebSocket-Origin: ${origin}\r\n\r\n`);
    return { raw, head: await raw.head() };
  };
  const { raw, head } = await open(`http://localhost:${front.port}`);
  assert.match(head, /^HTTP\/1.1 101 /);
  assert.match(head, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  raw.send(frame(2, 'hello'));
  await raw.until((c) => c.received.length >= 7, 'the echo');
  assert.equal(raw.received, '\x82\x05hello');
  raw.close();
  const refused = await open('http://evil.example');
  assert.match(refused.head, /^HTTP\/1.1 403 /);
  await gateway.logged((e) => e.event === 'handshake refused' && e.origin === 'http://evil.example');
});

test('drafts that are not enabled are refused, with the supported versions', async (t) => {
  const { gateway } = await startAll(t);
  for (const dialect of ['hixie76', 'hixie75']) {
    const { head, raw } = await OldClient.open(dialect, { port: gateway.ports[2], target: '/echo' });
    assert.match(head, /^HTTP\/1.1 426 /);
    assert.match(head, /Sec-WebSocket-Version: 13\r\n/);
    assert.match(await raw.end(), /rfc6455/);
  }
});
