/** nginx as a proxy of HTTP. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilListening } from './nginx.ts';
import { type Cleaner, freePort, Program, temporaryDirectory } from './programs.ts';

/** Starts it. @param locations what it does with requests, in its own words. @returns its port */
export async function startNginxProxy(cleaner: Cleaner, locations: string): Promise<number> {
  const folder = temporaryDirectory(cleaner);
  const port = await freePort();
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; master_process off; pid ${folder}/nginx.pid;
     error_log stderr error; events { }
     http {
       access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
       uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; proxy_buffering off;
       server { listen 127.0.0.1:${port}; ${locations} }
     }`,
  );
  const proxy = new Program(cleaner, 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  await untilListening(port, proxy);
  return port;
}
