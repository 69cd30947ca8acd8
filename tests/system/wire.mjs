// Reads HTTP/1.1 messages from a socket exactly as sent: headers are kept verbatim; framing is decoded and recorded.
import { within } from './support.mjs';

class Reader {
  constructor(socket) {
    this.bytes = '';
    this.over = false;
    this.changed = () => {};
    socket.on('data', (data) => { this.bytes += data.toString('latin1'); this.changed(); });
    for (const event of ['end', 'close']) socket.on(event, () => { this.over = true; this.changed(); });
    socket.on('error', (error) => { this.error = error.code; });
  }
  // Waits until `find` returns something other than undefined; undefined if the connection ends first.
  async until(find, what) {
    return within(20000, what, new Promise((resolve) => {
      this.changed = () => {
        const found = find(this.bytes);
        if (found !== undefined || this.over) resolve(found);
      };
      this.changed();
    }));
  }
  take(count) {
    const taken = this.bytes.slice(0, count);
    this.bytes = this.bytes.slice(count);
    return taken;
  }
  async exactly(count, what) {
    const whole = await this.until((bytes) => (bytes.length >= count ? true : undefined), what);
    return { text: this.take(count), whole: whole === true };
  }
  // A line without its CRLF; undefined at the end of the connection.
  async line(what) {
    const end = await this.until((bytes) => (bytes.includes('\r\n') ? bytes.indexOf('\r\n') : undefined), what);
    return end === undefined ? undefined : this.take(end + 2).slice(0, -2);
  }
}

async function fields(reader) {
  const found = [];
  for (;;) {
    const line = await reader.line('a header line');
    if (line === undefined) return undefined;
    if (line === '') return found;
    const colon = line.indexOf(':');
    found.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
}

export const valuesOf = (headers, name) =>
  headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

async function body(reader, headers, { none = false, toEnd = false } = {}) {
  const [length] = valuesOf(headers, 'content-length');
  if (none) return { framing: 'none', body: '', trailers: [], whole: true };
  if (valuesOf(headers, 'transfer-encoding').length > 0) {
    let text = '';
    for (;;) {
      const line = await reader.line('a chunk');
      const size = parseInt(line, 16);
      if (size === 0) {
        const trailers = await fields(reader);
        return { framing: 'chunked', body: text, trailers: trailers ?? [], whole: trailers !== undefined };
      }
      const chunk = line === undefined
        ? { whole: false, text: '' } : await reader.exactly(size + 2, 'the data of a chunk');
      if (!chunk.whole) return { framing: 'chunked', body: text + chunk.text, trailers: [], whole: false };
      text += chunk.text.slice(0, -2);
    }
  }
  if (length !== undefined) {
    const { text, whole } = await reader.exactly(Number(length), 'a body');
    return { framing: 'length', body: text, trailers: [], whole };
  }
  if (!toEnd) return { framing: 'none', body: '', trailers: [], whole: true };
  await reader.until(() => undefined, 'the end of the connection');
  return { framing: 'end', body: reader.take(reader.bytes.length), trailers: [], whole: reader.error === undefined };
}

// The server side of a connection: request() returns the next request, undefined at the end. `onHead` is called with
// each head before its body is read.
export class RequestReader {
  constructor(socket) { this.reader = new Reader(socket); }
  async request(onHead = () => {}) {
    const line = await this.reader.line('a request line');
    if (line === undefined) return undefined;
    const headers = await fields(this.reader);
    if (headers === undefined) return undefined;
    onHead({ line, headers });
    return { line, headers, ...await body(this.reader, headers) };
  }
}

// The client side: answer() returns the next final response with the 1xx heads before it; undefined if none arrives.
export class AnswerReader {
  constructor(socket) { this.reader = new Reader(socket); }
  async answer({ method = 'GET', onInterim = () => {} } = {}) {
    const interims = [];
    for (;;) {
      const line = await this.reader.line('a status line');
      if (line === undefined) return undefined;
      const headers = await fields(this.reader);
      if (headers === undefined) return undefined;
      const status = Number(line.split(' ')[1]);
      if (status >= 200 || status === 101) {
        const none = method === 'HEAD' || status === 101 || status === 204 || status === 304;
        return { line, status, headers, interims, ...await body(this.reader, headers, { none, toEnd: true }) };
      }
      interims.push({ line, headers });
      onInterim(status);
    }
  }
}
