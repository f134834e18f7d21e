/** The edge of a row and its origin: as the defaults have them, on ports that the system picks. */

import { makeCertificate } from '../support/certificate.ts';
import type { EdgeSetup } from './attack.ts';

export function originConfig(): string {
  return `
    listen 127.0.0.1:0;
    max_connections 2000;
    grace_start_wait 0;
    vhost __defaultVhost__ { min_latency on; }`;
}

/** @param hostilePort where an origin listens that is a hostile one, for the vhost `hostile.test` */
export function edgeConfig(directory: string, originPort: number, hostilePort: number, setup: EdgeSetup): string {
  const { keyFile, certFile } = makeCertificate(directory, 'localhost');
  const tls = `enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile};`;
  const remux = 'http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }';
  return `
    ${setup.root ?? ''}
    listen 127.0.0.1:0;
    grace_start_wait 0;
    rtmps { ${tls} }
    http_api { enabled on; listen 127.0.0.1:0; }
    http_server { enabled on; listen 127.0.0.1:0; https { ${tls} } }
    exporter { enabled on; listen 127.0.0.1:0; }
    vhost __defaultVhost__ {
      cluster { mode remote; origin 127.0.0.1:${originPort}; }
      ${remux}
      ${setup.vhost ?? ''}
    }
    vhost hostile.test {
      cluster { mode remote; origin 127.0.0.1:${hostilePort}; }
      ${remux}
    }`;
}
