/** Which changes of a configuration can make edges refuse clients, or leave them without a stream. */
import { diffConfig } from '../../edge/conf/diff.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import type { ConfigRollout } from '../api/types.ts';

/**
 * Directives that only change how much is logged, and how smoothly and at what cost clients are served. Whatever is not
 * in this list can do more. Of a vhost without its name.
 */
export const harmless: ReadonlySet<string> = new Set([
  'srs_log_level',
  'srs_log_level_v2',
  'grace_start_wait',
  'grace_final_wait',
  'chunk_size',
  'exporter.credentials_file',
  'heartbeat.enabled',
  'heartbeat.interval',
  'heartbeat.url',
  'heartbeat.device_id',
  'heartbeat.summaries',
  'heartbeat.ports',
  'edge.page_figures',
  'edge.origin_check_interval',
  'vhost: min_latency',
  'vhost: tcp_nodelay',
  'vhost: chunk_size',
  'vhost: cluster.debug_srs_upnode',
  'vhost: play.gop_cache',
  'vhost: play.gop_cache_max_frames',
  'vhost: play.queue_length',
  'vhost: play.mw_latency',
  'vhost: play.mw_msgs',
  'vhost: play.send_min_interval',
  'vhost: play.reduce_sequence_header',
  'vhost: publish.mr',
  'vhost: publish.mr_latency',
  'vhost: edge.origin_lookup',
  'vhost: edge.linger',
  'vhost: edge.read_interval',
]);

/** What of a change can do so, in the words of the file: `vhost a.com: http_hooks.on_play`. */
export function riskyChanges(from: EdgeConfig, to: EdgeConfig): readonly string[] {
  const { changes, vhostsAdded, vhostsRemoved } = diffConfig(from, to);
  const risky = changes
    .map(({ path }) => path)
    .filter((path) => !harmless.has(path.replace(/^vhost .*?: /, 'vhost: ')));
  return [
    ...vhostsAdded.map((name) => `vhost ${name}: new`),
    ...vhostsRemoved.map((name) => `vhost ${name}: gone`),
    ...risky,
  ];
}

/** Whether a few edges get a changed configuration before the others do. */
export function isTriedFirst({ strategy }: ConfigRollout, from: EdgeConfig, to: EdgeConfig): boolean {
  return strategy === 'Canary' || (strategy === 'Auto' && riskyChanges(from, to).length > 0);
}
