/** What the caches of HLS and their files are called. */
import { CLUSTER_LABEL, labelsOf, nameOf } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import type { OwnedObject } from '../metadata.ts';

/** Label of the pods of caches: the EdgeCluster's name. They lack that of edges, so that nobody takes them for edges. */
const HLS_LABEL = 'edgecluster.io/hls';

/** Where caches find what the operator renders: nginx.conf, and the origins that it proxies to. */
export const HLS_DIRECTORY = '/etc/hls';
export const NGINX_CONF = 'nginx.conf';
export const ORIGINS_FILE = 'origins.json';
/** Where the agent writes the origins' addresses for nginx, and nginx its pid. Both containers mount it. */
export const RUN_DIRECTORY = '/run/hls';
export const UPSTREAMS_FILE = 'upstreams.conf';
export const PID_FILE = 'nginx.pid';
export const STATUS_SOCKET = 'status.sock';
export const CACHE_DIRECTORY = '/var/cache/hls';
export const HLS_TLS_DIRECTORY = '/etc/hls-tls';

/** The agent counts what nginx tells it at this UDP port of the pod's loopback interface. */
export const ACCESS_PORT = 5140;

/** All objects of the caches have this name. */
export function hlsNameOf(cluster: EdgeCluster): string {
  return `${nameOf(cluster)}-hls`;
}

/** Whether a rendered object is of the caches. */
export function isOfHls(object: OwnedObject | undefined): boolean {
  return object !== undefined && object.metadata.name === `${object.metadata.labels?.[CLUSTER_LABEL]}-hls`;
}

export function hlsMatchLabelsOf(cluster: EdgeCluster): Record<string, string> {
  return { 'app.kubernetes.io/name': 'hls-cache', [HLS_LABEL]: nameOf(cluster) };
}

/** Labels of the pods. */
export function hlsPodLabelsOf(cluster: EdgeCluster): Record<string, string> {
  return {
    ...hlsMatchLabelsOf(cluster),
    'app.kubernetes.io/instance': nameOf(cluster),
    'app.kubernetes.io/component': 'hls',
    'app.kubernetes.io/managed-by': labelsOf(cluster)['app.kubernetes.io/managed-by'] ?? '',
  };
}
