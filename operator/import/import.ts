/** A file of SRS's language as the manifest of an EdgeCluster, and what the manifest does not carry. */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { defaultConfig } from '../../edge/conf/defaults.ts';
import { diffConfig } from '../../edge/conf/diff.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import type { EdgeCluster } from '../api/types.ts';
import { clustersOf, ManifestError } from '../manifest.ts';
import { renderOffline } from '../render-offline.ts';
import { type Fields, listenersOf } from './listeners.ts';
import { isHere } from './origins.ts';
import { carriedByFields, restOf } from './rest.ts';
import { type Tier, tierOf } from './vhosts.ts';

export interface Imported {
  /** YAML that the API server takes. */
  readonly manifest: string;
  /** What it does not carry, or carries otherwise, a line each. */
  readonly notes: readonly string[];
}

/** The YAML of kubectl, which takes an unquoted `Off` for a boolean. */
const yamlOptions = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
}

const logLevels = { trace: 'Trace', debug: 'Debug', info: 'Info', warn: 'Warn', error: 'Error' } as const;

/** Throws ManifestError where the file has no edge, or what it says cannot be an EdgeCluster. */
export function importConfig(config: EdgeConfig, metadata: Metadata): Imported {
  const { name } = metadata;
  const notes: string[] = [];
  const standard = defaultConfig().edge;
  const { origins, vhosts } = tierOf(config, name, notes);
  if (origins.length === 0) {
    throw new ManifestError(['it has no vhost in `mode remote`, so nothing of it is an edge', ...notes].join('\n'));
  }
  const { drainTimeoutMs } = config.edge;
  const drainSeconds = Math.ceil(drainTimeoutMs / 1000);
  if (drainSeconds * 1000 !== drainTimeoutMs) {
    notes.push(`edge.drain_timeout: pods drain for whole seconds, ${drainSeconds} s instead of ${drainTimeoutMs} ms`);
  }
  const { heartbeat } = config;
  if (heartbeat.enabled && isHere(new URL(heartbeat.url).hostname)) {
    notes.push(`heartbeat.url: ${heartbeat.url} is this machine, which pods do not reach there`);
  }
  const spec = {
    origins,
    vhosts,
    listeners: listenersOf(config, name, notes),
    maxConnections: config.maxConnections,
    logLevel: logLevels[config.log.level],
    ...(drainTimeoutMs !== standard.drainTimeoutMs && { pods: { drainSeconds } }),
    ...proxiesOf(config),
  };
  const rest = restOf(config, configOf(admittedOf(spec, metadata)));
  notes.push(...rest.left.map(({ path, why }) => `${path}: ${why}`));
  const whole = {
    ...spec,
    vhosts: vhosts.map((vhost) => {
      const text = rest.vhosts.get(String(vhost.name));
      return text === undefined ? vhost : { ...vhost, extraDirectives: text };
    }),
    ...(rest.top !== '' && { extraDirectives: rest.top }),
  };
  const manifest = stringify(manifestOf(withoutDefaults(whole, metadata), metadata), yamlOptions);
  // Nothing may be lost without a word: what edges would run is held against the file.
  const told = new Set(rest.left.map(({ path }) => path));
  const [cluster] = clustersOf(manifest, 'the EdgeCluster', name);
  for (const { path, from, to } of cluster === undefined ? [] : diffConfig(configOf(cluster), config).changes) {
    if (told.has(path) || carriedByFields.has(path.replace(/^vhost .*: /, 'vhost.'))) continue;
    notes.push(`${path}: the file says "${to}", edges will have "${from}"`);
  }
  return { manifest, notes };
}

function proxiesOf({ edge }: EdgeConfig): Fields {
  if (edge.trustedProxies.length === 0) return {};
  const trusted = edge.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`);
  return { proxies: { trusted, ...(edge.proxyProtocol && { proxyProtocol: true }) } };
}

function manifestOf(spec: Fields, metadata: Metadata): Fields {
  return { apiVersion: 'edgecluster.io/v1alpha1', kind: 'EdgeCluster', metadata, spec };
}

/** Throws ManifestError with what the API server would say. */
function admittedOf(spec: Fields, metadata: Metadata): EdgeCluster {
  const [cluster] = clustersOf(stringify(manifestOf(spec, metadata), yamlOptions), 'the EdgeCluster', metadata.name);
  if (cluster === undefined) throw new Error('an EdgeCluster that was admitted is not there');
  return cluster;
}

/** What edges would run. */
function configOf(cluster: EdgeCluster): EdgeConfig {
  return renderOffline(cluster, { edgeImage: 'edgecluster', podMonitors: false }, 'the EdgeCluster').config.config;
}

/** `spec` without what it would have anyway. Groups of origins and vhosts keep their names. */
function withoutDefaults({ origins, vhosts, ...spec }: Fields & Tier, metadata: Metadata): Fields {
  const bare = {
    origins: origins.map((group) => ({ name: group.name, servers: group.servers })),
    vhosts: vhosts.map((vhost) => ({ name: vhost.name })),
  };
  const standard = admittedOf(bare, metadata).spec;
  const named = (fields: readonly Fields[], standards: readonly object[]): readonly Fields[] =>
    fields.map(({ name, servers, ...rest }, index) => ({
      name,
      ...(servers !== undefined && { servers }),
      ...pruned(rest, { ...standards[index] }),
    }));
  return {
    origins: named(origins, standard.origins),
    vhosts: named(vhosts, standard.vhosts),
    ...pruned(spec, { ...standard }),
  };
}

/** Without what is as in `standard`, at any depth. */
function pruned(fields: Fields, standard: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => {
      const usual = standard[key];
      if (isDeepStrictEqual(value, usual)) return [];
      if (!isFields(value) || !isFields(usual)) return [[key, value]];
      const kept = pruned(value, usual);
      return Object.keys(kept).length === 0 ? [] : [[key, kept]];
    }),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
