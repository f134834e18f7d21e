/** The ports of an edge, from `spec.listeners`. Names are those of the container's ports and of the Services'. */
import type { EdgeCluster } from '../api/types.ts';

export interface Port {
  readonly name: 'rtmp' | 'rtmps' | 'http' | 'https' | 'api' | 'exporter';
  /** In the container. */
  readonly port: number;
}

export interface ClientPort extends Port {
  readonly name: 'rtmp' | 'rtmps' | 'http' | 'https';
  /** At the Service. */
  readonly servicePort: number;
}

/** Ports for players and publishers. */
export function clientPorts({ spec }: EdgeCluster): readonly ClientPort[] {
  const { rtmp, rtmps, http, https } = spec.listeners;
  const listeners = { rtmp, rtmps, http: http.enabled ? http : undefined, https };
  return (['rtmp', 'rtmps', 'http', 'https'] as const).flatMap((name) => {
    const listener = listeners[name];
    return listener === undefined
      ? []
      : [{ name, port: listener.port, servicePort: listener.servicePort ?? listener.port }];
  });
}

/** Ports for the operator, probes and Prometheus. */
export function monitoringPorts({ spec }: EdgeCluster): readonly Port[] {
  const { api, exporter } = spec.listeners;
  return [
    { name: 'api', port: api.port },
    ...(exporter.enabled ? [{ name: 'exporter', port: exporter.port } as const] : []),
  ];
}
