/** Listeners of a file in the words of an EdgeCluster. */
import type { EdgeConfig, ListenAddress, TlsListen } from '../../edge/conf/model.ts';

/** A part of a manifest, before it is admitted. */
export type Fields = Readonly<Record<string, unknown>>;

/** Edges in pods run without privileges: they listen from here on, and the Service shows the port that clients know. */
const leastPort = 1024;

const podPorts = { rtmp: 1935, rtmps: 1443, http: 8080, https: 8443 } as const;

export function listenersOf(config: EdgeConfig, name: string, notes: string[]): Fields {
  const { rtmps, httpServer, httpApi, exporter } = config;
  const port = (what: keyof typeof podPorts, listen: readonly ListenAddress[]): Fields => {
    const [first] = addressesOf(what, listen, notes);
    if (first === undefined) return {};
    return first.port < leastPort ? { port: podPorts[what], servicePort: first.port } : { port: first.port };
  };
  const tls = (what: 'rtmps' | 'https', listener: TlsListen): Fields => {
    const secretName = `${name}-${what}`;
    notes.push(
      `${what}: the certificate comes from a Secret: kubectl create secret tls ${secretName} --cert=${listener.certFile} --key=${listener.keyFile}`,
    );
    return { ...port(what, listener.listen), secretName };
  };
  if (!exporter.enabled) notes.push('exporter: it is on unless spec.listeners.exporter.enabled says otherwise');
  if (exporter.credentialsFile !== '') {
    const where = `the Secret ${name}-api-credentials`;
    notes.push(
      `exporter.credentials_file: the operator makes other credentials, in ${where} (metrics-username, metrics-password)`,
    );
  }
  if (!httpApi.enabled) notes.push('http_api: it is on in every EdgeCluster, for the operator and with a credential');
  if (httpServer.enabled && config.edge.page && !config.edge.pageFigures) {
    notes.push('edge.page: pods serve no page unless spec.listeners.http.page says so');
  }
  const streams = {
    rtmp: port('rtmp', config.listen),
    ...(rtmps.enabled && { rtmps: tls('rtmps', rtmps) }),
    http: httpServer.enabled
      ? { ...port('http', httpServer.listen), ...(config.edge.pageFigures && { page: true }) }
      : { enabled: false },
    ...(httpServer.enabled && httpServer.https.enabled && { https: tls('https', httpServer.https) }),
  };
  const taken = new Set(Object.values(streams).map((listener) => ('port' in listener ? listener.port : undefined)));
  // Nobody outside the cluster knows these ports, so that they may be the usual ones.
  const own = (what: string, listen: readonly ListenAddress[]): Fields => {
    const [first] = addressesOf(what, listen, notes);
    if (first === undefined || first.port < leastPort) return {};
    if (!taken.has(first.port)) return { port: first.port };
    notes.push(`${what}.listen: port ${first.port} is that of another listener, which cannot be shared in a pod`);
    return {};
  };
  return {
    ...streams,
    ...(httpApi.enabled && { api: own('http_api', httpApi.listen) }),
    exporter: {
      ...(exporter.enabled && own('exporter', exporter.listen)),
      ...(exporter.streams > 0 && { streams: exporter.streams }),
      ...(exporter.credentialsFile !== '' && { requireCredentials: true }),
    },
  };
}

function addressesOf(what: string, listen: readonly ListenAddress[], notes: string[]): readonly ListenAddress[] {
  const hosts = listen.flatMap(({ host }) => host ?? []);
  if (hosts.length > 0) notes.push(`${what}: edges in pods listen on all addresses, not on ${hosts.join(', ')} alone`);
  const others = [...new Set(listen.slice(1).map(({ port }) => port))].filter((port) => port !== listen[0]?.port);
  if (others.length > 0) notes.push(`${what}: one port is carried, ${listen[0]?.port}; not ${others.join(', ')}`);
  return listen;
}
