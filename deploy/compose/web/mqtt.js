// As much of MQTT 3.1.1 as a page needs to try a broker: connect, subscribe, publish, and receive, at QoS 0 and with a
// clean session. An application takes a library.

const CONNACK = 2, PUBLISH = 3, SUBACK = 9;
const keepAlive = 60; // seconds
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const uint16 = (value) => [value >> 8, value & 0xff];

// A string of the protocol: its length in bytes, and UTF-8.
function string(text) {
  const bytes = encoder.encode(text);
  return [...uint16(bytes.length), ...bytes];
}

// The remaining length goes in front of the body, seven bits a byte.
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

// Takes the first whole packet off the front of `bytes`; nothing while one is not there yet.
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
  throw new Error('a packet without an end to its length');
}

// Connects to `url`. Calls onOpen once the broker lets the client in, onSubscribed for each subscription that the
// broker takes, onMessage(topic, text) for each message of one, and onClose(reason) once, at the end.
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
  // The borders of messages are not those of packets: bytes gather until a packet is whole.
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
