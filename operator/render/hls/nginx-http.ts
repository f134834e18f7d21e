/** What all servers in the nginx.conf of the caches have in common. */
import type { Hls } from '../../api/types.ts';
import type { Place } from './nginx-conf.ts';

/** By their paths: playlists; and segments, their keys and subtitles, which is all that a playlist may name. */
export const PLAYLISTS = '\\.m3u8$';
export const SEGMENTS = '\\.(?:ts|m4s|mp4|m4v|m4a|m4f|cmfv|cmfa|aac|ac3|ec3|mp3|vtt|webvtt|key)$';

/** Playlists are small, and only the newest are asked for. */
const playlistShare = 16;

/** How long a playlist that nobody asks for is kept, in target durations: an older one is no use. */
const playlistIdleDurations = 4;

/** How long a segment that nobody asks for is kept at least, in seconds. */
const segmentIdleSeconds = 600;

export function cacheZones({ cache, targetDurationSeconds, segmentSeconds }: Hls, { cacheDirectory }: Place): string[] {
  const playlistsMi = Math.max(4, Math.floor(cache.sizeMi / playlistShare));
  const playlistIdleSeconds = playlistIdleDurations * targetDurationSeconds;
  const idleSeconds = Math.max(segmentIdleSeconds, segmentSeconds);
  const zone = (name: string, keysMi: number, sizeMi: number, idle: number): string =>
    `proxy_cache_path ${cacheDirectory}/${name} levels=1:2 keys_zone=${name}:${keysMi}m max_size=${sizeMi}m inactive=${idle}s use_temp_path=off;`;
  return [
    zone('playlists', 4, playlistsMi, playlistIdleSeconds),
    zone('segments', 16, cache.sizeMi - playlistsMi, idleSeconds),
  ];
}

export function httpDefaults(hls: Hls, place: Place): string[] {
  const { runDirectory, accessLog } = place;
  return [
    'server_tokens off;',
    'sendfile on;',
    'tcp_nopush on;',
    'keepalive_timeout 75s;',
    'reset_timedout_connection on;',
    'server_names_hash_bucket_size 512;',
    'server_names_hash_max_size 8192;',
    'variables_hash_bucket_size 128;',
    'map_hash_bucket_size 512;',
    'client_header_timeout 10s;',
    'client_body_timeout 10s;',
    'client_max_body_size 1k;',
    'send_timeout 30s;',
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${runDirectory}/${name};`),
    'ssl_protocols TLSv1.2 TLSv1.3;',
    'ssl_session_cache shared:tls:4m;',
    '',
    "log_format hls '$hls_kind $upstream_cache_status $status $bytes_sent';",
    `access_log syslog:server=${accessLog},nohostname,tag=hls hls;`,
    '',
    ...maps(hls),
    '',
    ...proxying,
    '',
  ];
}

function maps({ allowOrigins, sessionParameters }: Hls): string[] {
  const isForAll = allowOrigins.includes('*');
  return [
    ...map('$request_uri', '$hls_path', ['"~^(?<hls_raw>[^?]*)" $hls_raw;']),
    // Of one stream: its playlist, its segments (number at the end), and what lies in a folder of its own.
    ...map('$uri', '$hls_stream', [
      'default $uri;',
      '"~^(?<hls_folder>/.+)/(?:index|master|playlist|main|chunklist|init|[0-9]+)[^/]*$" $hls_folder;',
      '"~^(?<hls_name>/.*?)(?:[-_.][0-9]+)*[.][A-Za-z0-9]+$" $hls_name;',
    ]),
    ...map('$uri', '$hls_kind', ['default other;', `"~${PLAYLISTS}" playlist;`, `"~${SEGMENTS}" segment;`]),
    ...map('$request_method', '$hls_method', ['default refused;', 'GET read;', 'HEAD read;', 'OPTIONS preflight;']),
    ...sessionParameters.flatMap((name) => map(`$arg_${name}`, `$hls_has_${name}`, ['default 1;', '"" 0;'])),
    ...map(
      '$http_origin',
      '$hls_allow_origin',
      isForAll ? ['default "*";'] : ['default "";', ...allowOrigins.map((origin) => `"${origin}" "${origin}";`)],
    ),
    // An empty value leaves the header out.
    ...map('$hls_method:$hls_allow_origin', '$hls_allow_methods', [
      'default "";',
      '"~^preflight:." "GET, HEAD, OPTIONS";',
    ]),
    ...map('$hls_allow_methods', '$hls_allow_headers', ['default "Range";', '"" "";']),
    ...map('$hls_allow_origin', '$hls_expose_headers', ['default "Content-Length, Content-Range, Date";', '"" "";']),
  ];
}

function map(source: string, variable: string, lines: readonly string[]): string[] {
  return [`map "${source}" ${variable} {`, ...lines.map((line) => `    ${line}`), '}'];
}

const proxying: readonly string[] = [
  'proxy_http_version 1.1;',
  'proxy_pass_request_body off;',
  'proxy_send_timeout 5s;',
  'proxy_buffers 16 32k;',
  // An origin that has not got it may stand for one that has.
  'proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 http_404;',
  'proxy_next_upstream_timeout 15s;',
  // Whatever origins say about it: they know nothing of this tier.
  'proxy_ignore_headers Cache-Control Expires Set-Cookie Vary X-Accel-Expires X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;',
  ...[
    'Cache-Control',
    'Expires',
    'Pragma',
    'Set-Cookie',
    'Vary',
    'Access-Control-Allow-Origin',
    'Access-Control-Allow-Credentials',
    'Access-Control-Allow-Methods',
    'Access-Control-Allow-Headers',
    'Access-Control-Expose-Headers',
  ].map((name) => `proxy_hide_header ${name};`),
  // One fetch for all who wait; the rest of them look again after 500 ms, which nginx has fixed.
  'proxy_cache_lock on;',
  'proxy_cache_lock_age 10s;',
  'proxy_cache_lock_timeout 20s;',
  'proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503 http_504;',
  'proxy_cache_revalidate on;',
  'proxy_force_ranges on;',
];
