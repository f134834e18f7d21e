/** Configurations of edges and origins for tests: ports of the system's choice, and time-outs that are short. */

export interface EdgeOptions {
  /** Ports on 127.0.0.1, or whole addresses. */
  readonly origins: readonly (number | string)[];
  /** Directives that come before the usual ones, and so override them. */
  readonly root?: string;
  readonly process?: string;
  readonly vhost?: string;
  readonly cluster?: string;
  readonly play?: string;
  readonly publish?: string;
  readonly edge?: string;
}

/**
 * An edge. Tests count who connects to an origin: idle ones are checked only where `process` says so, and one origin is
 * asked after the other unless `edge` says otherwise.
 */
export function edgeConfig(options: EdgeOptions): string {
  const { origins, root = '', process = '', vhost = '', cluster = '', play = '', publish = '', edge = '' } = options;
  const addresses = origins.map((origin) => (typeof origin === 'number' ? `127.0.0.1:${origin}` : origin));
  return `
    ${root}
    listen 127.0.0.1:0;
    srs_log_level_v2 debug;
    inotify_auto_reload off;
    grace_start_wait 0;
    grace_final_wait 1000;
    edge { ${process} probe_min 20; probe_max 100; origin_check_interval 0; }
    vhost __defaultVhost__ {
      ${vhost}
      min_latency on;
      cluster { mode remote; origin ${addresses.join(' ')}; ${cluster} }
      play { ${play} }
      publish { ${publish} }
      edge {
        ${edge}
        connect_timeout 1000; request_timeout 1000; first_frame_timeout 400; stall_timeout 400;
        locate_interval 10000;
        retry_min 20; retry_max 100; linger 200; absent_ttl 100; hold_timeout 10000; publish_timeout 5000;
      }
    }`;
}

/** An origin: `mode local`, all players on the publisher's own clock. */
export function originConfig({ root = '', vhost = '', play = '' }: Partial<EdgeOptions> = {}): string {
  return `
    ${root}
    listen 127.0.0.1:0;
    inotify_auto_reload off;
    grace_start_wait 0;
    vhost __defaultVhost__ {
      ${vhost}
      min_latency on;
      play { ${play} time_jitter off; }
    }`;
}
