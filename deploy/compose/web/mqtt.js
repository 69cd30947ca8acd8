// A minimal MQTT 3.1.1 client: connect, subscribe, publish, and receive, at QoS 0 and with a clean session.
// Applications should use a library.

const CONNACK = 2, PUBLISH = 3, SUBACK = 9;
const keepAlive = 60; // seconds
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const uint16 = (value) => [value >> 8, value & 0xff];

// An MQTT string: its length in bytes, then UTF-8.
function string(text) {
  const bytes = encoder.encode(text);
  return [...uint16(bytes.length), ...bytes];
}

// The remaining length precedes the body, seven bits per byte.
function packet(type, flags, body) {
  const length = [];
  let rest = body.length;
  do {
    const more = rest > 0x7f;
    length.push((rest & 0x7f) | (more ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Uint8Array.from([(type << 4) | flags, ...length, ...body]);
}

// Returns the first complete packet in `bytes`, or undefined if it is incomplete.
function takePacket(bytes) {
  let length = 0;
  for (let i = 1; i < 5; ++i) {
    if (i >= bytes.length) return undefined;
    length += (bytes[i] & 0x7f) << (7 * (i - 1));
    if (bytes[i] & 0x80) continue;
    const start = i + 1;
    if (bytes.length < start + length) return undefined;
    return { type: bytes[0] >> 4, body: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
  }
  throw new Error('malformed remaining length');
}

// Connects to `url`. Calls onOpen when the broker has accepted the client, onSubscribed for each subscription that the
// broker accepts, onMessage(topic, text) for each message received, and onClose(reason) once, at the end.
export function connect(url, { onOpen, onSubscribed, onMessage, onClose }) {
  const socket = new WebSocket(url, 'mqtt');
  socket.binaryType = 'arraybuffer';
  let pending = new Uint8Array();
  let packetId = 0;
  let ping;
  let failure = '';

  const fail = (reason) => {
    failure = reason;
    socket.close();
  };

  const handle = ({ type, body }) => {
    if (type === CONNACK) {
      if (body[1] !== 0) return fail(`the broker refuses with ${body[1]}`);
      ping = setInterval(() => socket.send(packet(12, 0, [])), keepAlive * 500);
      onOpen();
    } else if (type === PUBLISH) {
      const topicEnd = 2 + (body[0] << 8) + body[1];
      onMessage(decoder.decode(body.subarray(2, topicEnd)), decoder.decode(body.subarray(topicEnd)));
    } else if (type === SUBACK) {
      if (body[2] === 0x80) return fail('the broker refuses the subscription');
      onSubscribed();
    }
  };

  socket.onopen = () => {
    const clean = 2;
    const id = `page-${Math.random().toString(36).slice(2, 12)}`;
    socket.send(packet(1, 0, [...string('MQTT'), 4, clean, ...uint16(keepAlive), ...string(id)]));
  };
  // WebSocket messages are not aligned to MQTT packets: bytes are collected until a packet is complete.
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(pending.length + data.byteLength);
    bytes.set(pending);
    bytes.set(new Uint8Array(data), pending.length);
    pending = bytes;
    try {
      for (let next = takePacket(pending); next; next = takePacket(pending)) {
        pending = next.rest;
        handle(next);
      }
    } catch (error) {
      fail(error.message);
    }
  };
  socket.onclose = ({ code, reason }) => {
    clearInterval(ping);
    onClose(failure || reason || `code ${code}`);
  };

  return {
    subscribe(topic) {
      packetId = (packetId % 0xffff) + 1;
      socket.send(packet(8, 2, [...uint16(packetId), ...string(topic), 0]));
    },
    publish(topic, text) {
      socket.send(packet(PUBLISH, 0, [...string(topic), ...encoder.encode(text)]));
    },
    close() {
      socket.close();
    },
  };
}
