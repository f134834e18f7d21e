/** Origins in pods: our own server where it is the source of streams, nginx-rtmp, and SRS where it is. */

import { edgeImage, nginxImage, nginxModule, srsImage } from '../support/nodes/images.ts';

/** A Deployment of origins and the Service `origin` before them, as a List. */
export function originManifests(namespace: string, replicas: number): object {
  const conf = 'listen 1935; vhost __defaultVhost__ { cluster { mode local; } }';
  return list(namespace, 'origin', replicas, {
    image: edgeImage,
    files: { 'origin.conf': conf },
    args: ['-c', '/etc/origin/origin.conf'],
  });
}

/** nginx of Debian with its RTMP module: one pod and the Service `nginx`. */
export function nginxManifests(namespace: string): object {
  const conf = `load_module ${nginxModule};
user root;
daemon off;
pid /tmp/nginx.pid;
error_log stderr error;
events { worker_connections 512; }
rtmp { access_log off; server { listen 1935; application live { live on; } } }
`;
  return list(namespace, 'nginx', 1, {
    image: nginxImage,
    files: { 'nginx.conf': conf },
    args: ['-p', '/tmp', '-e', 'stderr', '-c', '/etc/origin/nginx.conf'],
  });
}

/** SRS: one pod and the Service `srs`. */
export function srsManifests(namespace: string): object {
  const conf = `listen 1935;
max_connections 500;
daemon off;
srs_log_tank console;
pid /tmp/srs.pid;
vhost __defaultVhost__ { }
`;
  return list(namespace, 'srs', 1, {
    image: srsImage,
    files: { 'srs.conf': conf },
    args: ['-c', '/etc/origin/srs.conf'],
  });
}

interface Program {
  readonly image: string;
  /** At /etc/origin. */
  readonly files: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

function list(namespace: string, name: string, replicas: number, { image, files, args }: Program): object {
  const labels = { app: name };
  const metadata = { name, namespace };
  const container = {
    name: 'origin',
    image,
    imagePullPolicy: 'Never',
    args,
    ports: [{ name: 'rtmp', containerPort: 1935 }],
    readinessProbe: { tcpSocket: { port: 'rtmp' }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/origin' },
      { name: 'scratch', mountPath: '/tmp' },
    ],
  };
  const pod = {
    terminationGracePeriodSeconds: 2,
    containers: [container],
    volumes: [
      { name: 'config', configMap: { name } },
      { name: 'scratch', emptyDir: {} },
    ],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labels },
        // Those that they replace do not count: else all new ones would be where the old ones were not.
        matchLabelKeys: ['pod-template-hash'],
      },
    ],
  };
  const template = { metadata: { labels }, spec: pod };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: files },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { replicas, selector: { matchLabels: labels }, template },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: labels, ports: [{ name: 'rtmp', port: 1935 }] },
      },
    ],
  };
}
