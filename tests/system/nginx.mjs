// nginx as a peer of the gateway: behind it, in front of it, or for comparison. Runs in a temporary folder, in the
// foreground, as one process.
import fs from 'node:fs';
import path from 'node:path';
import { start, temporaryFolder, untilAccepted, unusedPort, within } from './support.mjs';

const program = process.env.NGINX ?? '/usr/sbin/nginx';

// `http(port)` returns the http block, with a server that listens on 127.0.0.1:PORT.
export async function startNginx(t, http, folder = temporaryFolder(t)) {
  // nginx cannot report the port it bound, so free ports are tried.
  const port = await unusedPort();
  const file = path.join(folder, 'nginx.conf');
  const kept = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `  ${use}_temp_path ${folder}/${use};`)
    .join('\n');
  fs.writeFileSync(file, `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  types { text/html html; text/css css; text/plain txt; }
  default_type application/octet-stream;
  server_tokens off;
${kept}
${http(port)}
}
`);
  const child = start(t, program, ['-e', 'stderr', '-p', folder, '-c', file]);
  const failed = child.exited.then((code) => {
    throw new Error(`nginx ended with ${code}: ${child.errors}`);
  });
  failed.catch(() => {});
  await within(20000, 'nginx to serve', Promise.race([failed, untilAccepted(port)]));
  return { port, folder, child };
}
