// A server for load tests, as a separate process that can be killed. Answers GET /SIZE with that many bytes and POST /
// with the request body. Prints its port on standard output.
import crypto from 'node:crypto';
import http from 'node:http';

const bytes = crypto.randomBytes(1 << 20);
const made = new Map();

const hashOf = (data) => crypto.createHash('sha256').update(data).digest('hex');
// A checksum that is cheap enough to compute in Lua.
function sampleOf(data) {
  let sum = 0;
  for (let i = 0; i < data.length; i += 1009) sum += data[i];
  return sum;
}

function bodyOf(size) {
  if (!made.has(size)) {
    const body = bytes.subarray(0, size);
    made.set(size, { body,
      headers: { 'content-length': size, 'x-size': size, 'x-hash': hashOf(body), 'x-sample': sampleOf(body) } });
  }
  return made.get(size);
}

const server = http.createServer({ keepAliveTimeout: 0 }, (request, response) => {
  if (request.method === 'POST') {
    const pieces = [];
    request.on('data', (data) => pieces.push(data));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      // Without a length, so that it is chunked.
      response.writeHead(200, { 'x-size': body.length, 'x-hash': hashOf(body) });
      response.end(body);
    });
    return;
  }
  const { body, headers } = bodyOf(Number(request.url.slice(1)));
  response.writeHead(200, headers);
  response.end(body);
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(`port ${server.address().port}`));
