/** Which vhost serves a name, as SRS decides it. */
import { DEFAULT_VHOST_NAME } from './defaults.ts';
import type { EdgeConfig, VhostConfig } from './model.ts';

/**
 * The vhost configured for `name`, in whatever case, else `__defaultVhost__`, else undefined.
 * A disabled vhost is found too (`enabled: false`) and doesn't fall through to the default one: its clients are refused.
 */
export function findVhost(config: EdgeConfig, name: string): VhostConfig | undefined {
  return vhostOf(config.vhosts, name);
}

/** The same among vhosts of which no more is known than their names. */
export function vhostOf<T extends { readonly name: string }>(vhosts: readonly T[], name: string): T | undefined {
  const lower = name.toLowerCase();
  let likely: T | undefined;
  let fallback: T | undefined;
  for (const vhost of vhosts) {
    if (vhost.name === name) return vhost;
    if (vhost.name.toLowerCase() === lower) likely ??= vhost;
    if (vhost.name === DEFAULT_VHOST_NAME) fallback = vhost;
  }
  return likely ?? fallback;
}

/** Milliseconds for which the socket of a publisher rests between reads (merged read); 0: not at all. */
export function readRestMs({ minLatency, publish, edge }: VhostConfig): number {
  if (minLatency) return 0;
  return publish.mr ? publish.mrLatencyMs : edge.readIntervalMs;
}
