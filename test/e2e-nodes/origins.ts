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

/** nginx of Debian that makes HLS of what each pod gets, in segments of 2 s: pods and the Service `origin`. */
export function hlsOriginManifests(namespace: string, replicas: number): object {
  const conf = `load_module ${nginxModule};
user root;
daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr error;
events { worker_connections 512; }
rtmp {
  access_log off;
  server {
    listen 1935;
    application live {
      live on; hls on; hls_path /tmp/live; hls_fragment 1s; hls_playlist_length 12s; hls_fragment_naming timestamp;
    }
  }
}
http {
  access_log off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 8080; root /tmp; }
}
`;
  return list(namespace, 'origin', replicas, {
    image: nginxImage,
    files: { 'nginx.conf': conf },
    args: ['-p', '/tmp', '-e', 'stderr', '-c', '/etc/origin/nginx.conf'],
    httpPort: 8080,
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
  /** Of an HTTP server beside RTMP. */
  readonly httpPort?: number;
}

function list(namespace: string, name: string, replicas: number, { image, files, args, httpPort }: Program): object {
  const ports = [{ name: 'rtmp', port: 1935 }, ...(httpPort === undefined ? [] : [{ name: 'http', port: httpPort }])];
  const labels = { app: name };
  const metadata = { name, namespace };
  const container = {
    name: 'origin',
    image,
    imagePullPolicy: 'Never',
    args,
    ports: ports.map(({ name, port }) => ({ name, containerPort: port })),
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
        spec: { selector: labels, ports },
      },
    ],
  };
}
