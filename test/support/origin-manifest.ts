/** Objects of an origin that runs as a pod. */
import type { V1Deployment } from '@kubernetes/client-node';

/** Our own server where it is the source of streams, in the namespace `media`; its Service has its name. */
export function originManifest(name: string): unknown {
  const labels = { app: name };
  const metadata = { name, namespace: 'media' };
  const text = 'listen 1935; vhost __defaultVhost__ { cluster { mode local; } }';
  const container = {
    name: 'origin',
    image: 'edgecluster',
    args: ['-c', '/etc/edge/edge.conf'],
    ports: [{ containerPort: 1935 }],
    readinessProbe: { tcpSocket: { port: 1935 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/edge' }],
  };
  const template = {
    metadata: { labels },
    spec: { containers: [container], volumes: [{ name: 'config', configMap: { name } }] },
  };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'edge.conf': text } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { selector: { matchLabels: labels }, template },
      } as V1Deployment,
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 1935 }] } },
    ],
  };
}
