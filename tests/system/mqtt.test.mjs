// A real broker behind the gateway: MQTT over wss.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import mqtt from 'mqtt';
import { startMosquitto } from './mosquitto.mjs';
import { makeCertificates, startGateway, temporaryFolder, tlsBlock, within } from './support.mjs';

test('1,000 publishes at QoS 1 through wss arrive once each and in order', async (t) => {
  const folder = temporaryFolder(t);
  const certificates = makeCertificates(folder);
  const broker = await startMosquitto(t, folder,
    (port) => `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`);
  const gateway = await startGateway(t, `
listeners:
  - { address: "127.0.0.1:0", ${tlsBlock(certificates)} }
backends: { mqtt: { servers: [ "tcp://127.0.0.1:${broker}" ] } }
routes: [ { path: /mqtt, backend: mqtt, subprotocols: [ mqtt ] } ]
`, { folder });
  const connect = async (clientId) => {
    const client = mqtt.connect(`wss://localhost:${gateway.ports[0]}/mqtt`,
      { clientId, ca: certificates.ca, reconnectPeriod: 0 });
    await within(20000, 'CONNACK', once(client, 'connect'));
    t.after(() => client.endAsync(true));
    return client;
  };
  const subscriber = await connect('subscriber');
  const publisher = await connect('publisher');
  await subscriber.subscribeAsync('numbers', { qos: 1 });
  const got = [];
  const all = new Promise((resolve) => {
    subscriber.on('message', (topic, payload) => {
      got.push(Number(payload.toString()));
      if (got.length === 1000) resolve();
    });
  });
  await within(60000, 'PUBACKs', Promise.all(
    Array.from({ length: 1000 }, (_, i) => publisher.publishAsync('numbers', String(i), { qos: 1 }))));
  await within(60000, '1,000 messages', all);
  assert.deepEqual(got, Array.from({ length: 1000 }, (_, i) => i));
  await Promise.all([publisher.endAsync(), subscriber.endAsync()]);
  await gateway.logged((e) => e.event === 'session close' && e.subprotocol === 'mqtt', 'the session log line');
});
