// mosquitto as a server behind the gateway.
import fs from 'node:fs';
import net from 'node:net';
import { start, unusedPort } from './support.mjs';

const answers = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('connect', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
});

// mosquitto cannot choose a free port itself, so free ports are tried until it can bind one. `configuration(port)`
// returns its configuration, with a listener on 127.0.0.1:PORT. Resolves to that port.
export async function startMosquitto(t, folder, configuration) {
  for (;;) {
    const port = await unusedPort();
    const file = `${folder}/mosquitto-${port}.conf`;
    fs.writeFileSync(file, configuration(port));
    const broker = start(t, 'mosquitto', ['-c', file]);
    let ended = false;
    broker.exited.then(() => { ended = true; });
    while (!ended) {
      if (await answers(port)) return port;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!/in use/i.test(broker.errors + broker.output)) throw new Error(`mosquitto: ${broker.errors}`);
  }
}
