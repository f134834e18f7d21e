/** Why a TLS handshake with a client failed, in words that say what to do. Pure. */

const faults: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER:
    'this is no TLS: a client of rtmp:// needs a listener without TLS; `edge { proxy_protocol on; }` takes the PROXY protocol',
  ERR_SSL_HTTP_REQUEST: 'this is HTTP without TLS; use https://, or a listener without TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client speaks versions of TLS that are too old; 1.2 is the oldest here',
};

/** Alerts of clients that do not take a certificate: `tlsv1 alert unknown ca`, `ssl/tls alert bad certificate` and others. */
const refusesCertificate = /alert.*(unknown ca|certificate)/i;

/** Undefined where the connection just ended: a probe, or a client that was slow. */
export function tlsFault(error: NodeJS.ErrnoException & { readonly reason?: unknown }): string | undefined {
  const { code = '', reason } = error;
  if (!code.startsWith('ERR_')) return undefined;
  const said = typeof reason === 'string' ? reason : error.message;
  if (refusesCertificate.test(said)) return `the client does not take our certificate (${said})`;
  return faults[code] ?? said;
}
