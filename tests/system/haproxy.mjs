// HAProxy as a peer of the gateway: in front of it, or behind it. Runs in a temporary folder, in the foreground.
import fs from 'node:fs';
import path from 'node:path';
import { start, temporaryFolder, untilAccepted, unusedPort, within } from './support.mjs';

const program = process.env.HAPROXY ?? '/usr/sbin/haproxy';

// `sections(port)` returns the frontends and backends, with one that binds 127.0.0.1:PORT.
export async function startHaproxy(t, sections, folder = temporaryFolder(t)) {
  const port = await unusedPort();
  const file = path.join(folder, 'haproxy.cfg');
  fs.writeFileSync(file, `global
  log stderr format raw local0
  maxconn 500
defaults
  timeout connect 10s
  timeout client 60s
  timeout server 60s
${sections(port)}
`);
  const child = start(t, program, ['-db', '-f', file]);
  const failed = child.exited.then((code) => {
    throw new Error(`haproxy ended with ${code}: ${child.errors}`);
  });
  failed.catch(() => {});
  await within(20000, 'haproxy to serve', Promise.race([failed, untilAccepted(port)]));
  return { port, folder, child };
}
