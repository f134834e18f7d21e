/**
 * What TLS listeners are made with: certificates, read from PEM files and read again when the files change, without a
 * restart and without touching the connections that are there (Kubernetes and ACME clients renew certificates this
 * way); and the keys of session tickets, which outlive a certificate.
 */

import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { SecureContextOptions, Server } from 'node:tls';
import type { Logger } from 'pino';
import type { TlsListen } from '../conf/model.ts';
import { lookEveryMs } from '../conf/small-file.ts';
import type { TicketKeys } from './ticket-keys.ts';

export interface TlsListener {
  readonly protocol: 'rtmps' | 'https' | 'https-api';
  readonly listen: TlsListen;
  readonly ticketKeys: TicketKeys;
}

/** The key and certificate of a listener. Throws an Error that names the file that cannot be read. */
export function certificateOf(listen: TlsListen): SecureContextOptions {
  return { key: readFileSync(listen.keyFile), cert: readFileSync(listen.certFile) };
}

/** What a listener's server is made with. Throws an Error that names the file that cannot be read. */
export function tlsOptions({ protocol, listen, ticketKeys }: TlsListener): SecureContextOptions {
  return {
    ...certificateOf(listen),
    ticketKeys: ticketKeys.current,
    // Node's own is made of the command line, which edges need not have in common. Another kind of listener may have
    // another certificate, whose sessions are not its own.
    sessionIdContext: `edge ${protocol}`,
  };
}

/** Keeps a server's certificate and ticket keys up to date, until it closes. */
export function followFiles(listener: TlsListener, server: Server, log: Logger, everyMs: number = lookEveryMs): void {
  const { listen, ticketKeys } = listener;
  const files = [listen.keyFile, listen.certFile];
  /**
   * Key and certificate that do not fit (one of them is written, the other not yet) leave the server as it is until the
   * next change. Ticket keys are given again: the new certificate comes with a new context, which has others.
   */
  function renew(): void {
    try {
      server.setSecureContext(tlsOptions(listener));
      log.info({ files }, 'certificate renewed');
    } catch (error) {
      log.warn({ files, error: (error as Error).message }, 'certificate changed but cannot be used: the old one stays');
    }
  }
  for (const file of files) watchFile(file, { interval: everyMs, persistent: false }, renew);
  server.on('close', () => {
    for (const file of files) unwatchFile(file, renew);
  });
  ticketKeys.serve(server);
}
