/**
 * The nginx.conf of the caches of HLS. Pure. What a manifest can say reaches it as numbers, as words that the schema
 * has bound, and in quotes; the origins' addresses are in a file of their own, which this one includes.
 */
import type { EdgeCluster, Hls, OriginGroup, Vhost } from '../../api/types.ts';
import { cacheZones, httpDefaults, PLAYLISTS, SEGMENTS } from './nginx-http.ts';
import { serverNameOf, upstreamOf } from './upstreams.ts';
import { workersOf } from './workers.ts';

/** Where nginx runs: in a pod, or as a process of one machine. */
export interface Place {
  /** Port, or `address:port`. */
  readonly http: string;
  readonly https?: { readonly listen: string; readonly certFile: string; readonly keyFile: string };
  /** `host:port` that takes a line for each request (syslog by UDP). */
  readonly accessLog: string;
  /** Directories: of what is rendered, of what is written while it runs, and of the cache. */
  readonly configDirectory: string;
  readonly runDirectory: string;
  readonly cacheDirectory: string;
  /** The user that workers run as, where nginx is started by root. */
  readonly user?: string;
}

export function renderNginxConf(cluster: EdgeCluster, hls: Hls, place: Place): string {
  const { spec } = cluster;
  const named = spec.vhosts.map((vhost) => ({ vhost, group: groupOf(spec.origins, vhost) }));
  const fallback = named.find(({ vhost }) => vhost.name === '__defaultVhost__');
  const servers = [
    server(place, undefined, fallback && locations(cluster, hls, place, fallback.vhost, fallback.group)),
    ...named
      .filter(({ vhost }) => vhost !== fallback?.vhost)
      .map(({ vhost, group }) => server(place, vhost.name, locations(cluster, hls, place, vhost, group))),
  ];
  return [
    '# Rendered by the operator from an EdgeCluster: change that.',
    ...(place.user === undefined ? [] : [`user ${place.user};`]),
    'daemon off;',
    `worker_processes ${workersOf(hls.resources)};`,
    'worker_shutdown_timeout 30s;',
    `pid ${place.runDirectory}/nginx.pid;`,
    'error_log stderr warn;',
    'events { worker_connections 16384; }',
    'http {',
    ...indented([...httpDefaults(hls, place), ...cacheZones(hls, place)]),
    `    include ${place.runDirectory}/upstreams.conf;`,
    ...indented(statusServer(place)),
    ...servers.flatMap(indented),
    '}',
    '',
  ].join('\n');
}

function groupOf(groups: readonly OriginGroup[], { origin }: Vhost): OriginGroup {
  const group = origin === undefined ? groups[0] : groups.find(({ name }) => name === origin);
  if (group === undefined) throw new TypeError(`no origin group "${origin}": the edges' configuration is made before`);
  return group;
}

function statusServer({ runDirectory }: Place): string[] {
  return [
    'server {',
    `    listen unix:${runDirectory}/status.sock;`,
    '    access_log off;',
    '    location = /status { stub_status; }',
    '}',
  ];
}

/** @param name undefined: for all names that have no server of their own */
function server(place: Place, name: string | undefined, served: readonly string[] | undefined): string[] {
  const isDefault = name === undefined ? ' default_server' : '';
  const { http, https } = place;
  return [
    'server {',
    `    listen ${http}${isDefault};`,
    ...(https === undefined
      ? []
      : [
          `    listen ${https.listen} ssl${isDefault};`,
          `    ssl_certificate ${https.certFile};`,
          `    ssl_certificate_key ${https.keyFile};`,
        ]),
    ...(name === undefined ? [] : [`    server_name ${name};`]),
    '    location / { return 404; }',
    '    location = /healthz { access_log off; default_type text/plain; return 200 "ok\\n"; }',
    ...indented(served ?? []),
    '}',
  ];
}

/** Playlists and segments of one vhost; there is nothing else. */
function locations(cluster: EdgeCluster, hls: Hls, place: Place, vhost: Vhost, group: OriginGroup): string[] {
  const playlistSeconds = Math.max(1, Math.floor(hls.targetDurationSeconds / 2));
  const host = (vhost.transform ?? '[vhost]').replaceAll(
    '[vhost]',
    vhost.name === '__defaultVhost__' ? '$host' : vhost.name,
  );
  const upstream = [
    `proxy_pass ${group.http?.tls === undefined ? 'http' : 'https'}://${upstreamOf(group.name)};`,
    ...tlsOf(cluster, place, group),
    `proxy_set_header Host "${host}";`,
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    // Nothing of one player is in what all get.
    ...['Connection', 'Cookie', 'Authorization', 'Accept-Encoding', 'Upgrade', 'Content-Length'].map(
      (name) => `proxy_set_header ${name} "";`,
    ),
    `proxy_cache_key "${keyOf(hls, group, host)}";`,
    `proxy_connect_timeout ${group.timeouts.connectMs}ms;`,
    `proxy_read_timeout ${group.timeouts.stallMs}ms;`,
  ];
  return [
    `location ~ ${PLAYLISTS} {`,
    ...indented([
      ...answers(hls, playlistSeconds),
      ...upstream,
      'proxy_cache playlists;',
      `proxy_cache_valid 200 ${playlistSeconds}s;`,
      'proxy_cache_valid 404 1s;',
    ]),
    '}',
    `location ~ ${SEGMENTS} {`,
    ...indented([
      ...answers(hls, hls.segmentSeconds),
      ...upstream,
      'proxy_cache segments;',
      `proxy_cache_valid 200 ${hls.segmentSeconds}s;`,
      'proxy_cache_valid 404 1s;',
    ]),
    '}',
  ];
}

/** What the cache itself says, whatever the origin says of it: CORS, and how long others may keep it. */
function answers({ allowOrigins }: Hls, maxAgeSeconds: number): string[] {
  const isForAll = allowOrigins.includes('*');
  return [
    'if ($hls_method = refused) { return 405; }',
    ...(allowOrigins.length === 0
      ? []
      : [
          'add_header Access-Control-Allow-Origin $hls_allow_origin always;',
          'add_header Access-Control-Allow-Methods $hls_allow_methods always;',
          'add_header Access-Control-Allow-Headers $hls_allow_headers always;',
          'add_header Access-Control-Expose-Headers $hls_expose_headers always;',
          ...(isForAll ? [] : ['add_header Vary Origin always;']),
        ]),
    `add_header Cache-Control "max-age=${maxAgeSeconds}";`,
    'add_header X-Cache-Status $upstream_cache_status;',
    'if ($hls_method = preflight) { return 204; }',
  ];
}

/**
 * The path as it was sent, which is what the origin is asked for: a path written in another way must not take the place
 * of this one. No URL holds the blanks between the parts.
 */
function keyOf({ keyParameters = [], sessionParameters }: Hls, group: OriginGroup, host: string): string {
  const values = keyParameters.map((name) => ` ${name}=$arg_${name}`);
  const sessions = sessionParameters.map((name) => ` ${name}:$hls_has_${name}`);
  return [group.name, ` ${host} $hls_path`, ...values, ...sessions].join('');
}

/** Key of the ConfigMap with the authorities of a group's HTTP servers. */
export function httpCaKey(group: string): string {
  return `http-${group}.pem`;
}

function tlsOf(cluster: EdgeCluster, { configDirectory }: Place, group: OriginGroup): string[] {
  const tls = group.http?.tls;
  if (tls === undefined) return [];
  const ca =
    tls.caBundle === undefined ? '/etc/ssl/certs/ca-certificates.crt' : `${configDirectory}/${httpCaKey(group.name)}`;
  return [
    `proxy_ssl_name "${serverNameOf(group, cluster.metadata.namespace ?? 'default')}";`,
    'proxy_ssl_server_name on;',
    'proxy_ssl_session_reuse on;',
    ...(tls.insecureSkipVerify
      ? ['proxy_ssl_verify off;']
      : ['proxy_ssl_verify on;', 'proxy_ssl_verify_depth 4;', `proxy_ssl_trusted_certificate ${ca};`]),
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `    ${line}`));
}
