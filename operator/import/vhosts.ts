/** Vhosts of a file in the words of an EdgeCluster. */
import type { AddressRule } from '../../edge/conf/access-model.ts';
import { defaultMergedWrite, defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeConfig, RemoteCluster, VhostConfig } from '../../edge/conf/model.ts';
import type { Fields } from './listeners.ts';
import { groupOf, isHere } from './origins.ts';

export interface Tier {
  readonly origins: readonly Fields[];
  readonly vhosts: readonly Fields[];
}

/** @param name of the EdgeCluster, after which Secrets are named */
export function tierOf(config: EdgeConfig, name: string, notes: string[]): Tier {
  const groups = new Map<string, Fields>();
  const vhosts = config.vhosts.flatMap((vhost): Fields[] => {
    const { cluster } = vhost;
    if (!vhost.enabled) {
      notes.push(`vhost ${vhost.name}: it is disabled, and left out`);
      return [];
    }
    if (cluster.mode === 'local') {
      notes.push(`vhost ${vhost.name}: it is an origin (mode local), and an EdgeCluster runs edges; left out`);
      return [];
    }
    const group = groupOf(vhost, cluster, notes);
    const key = JSON.stringify(group);
    const known = groups.get(key) ?? { name: groups.size === 0 ? 'main' : `group-${groups.size + 1}`, ...group };
    groups.set(key, known);
    const isFirst = groups.size === 1;
    if (vhost.edge.drainTimeoutMs !== config.edge.drainTimeoutMs) {
      notes.push(`vhost ${vhost.name}: edge.drain_timeout: pods have one time for all vhosts, spec.pods.drainSeconds`);
    }
    return [{ name: vhost.name, ...(!isFirst && { origin: known.name }), ...vhostOf(vhost, cluster, name, notes) }];
  });
  return { origins: [...groups.values()], vhosts };
}

function vhostOf(vhost: VhostConfig, cluster: RemoteCluster, name: string, notes: string[]): Fields {
  const { play, publish, httpRemux, edge } = vhost;
  const derived = defaultMergedWrite(vhost.minLatency);
  const { timeJitter, mwLatencyMs, mwMsgs, ...samePlay } = play;
  return {
    ...(cluster.vhost !== '[vhost]' && { transform: cluster.vhost }),
    tokenTraverse: cluster.tokenTraverse,
    debugSrsUpnode: cluster.debugSrsUpnode,
    minLatency: vhost.minLatency,
    tcpNodelay: vhost.tcpNodelay,
    chunkSize: vhost.chunkSize,
    play: {
      ...samePlay,
      timeJitter: capital(timeJitter),
      ...(mwLatencyMs !== derived.mwLatencyMs && { mwLatencyMs }),
      ...(mwMsgs !== derived.mwMsgs && { mwMsgs }),
    },
    // An EdgeCluster refuses merged read beside minLatency, where it does nothing.
    publish: { ...publish, mr: publish.mr && !vhost.minLatency, readIntervalMs: edge.readIntervalMs },
    httpFlv: httpRemux,
    ...hooksOf(vhost, notes),
    ...accessOf(vhost, name, notes),
    failover: {
      holdTimeoutMs: edge.holdTimeoutMs,
      lingerMs: edge.lingerMs,
      absentTtlMs: edge.absentTtlMs,
      tokenTtlMs: edge.tokenTtlMs,
      publishTimeoutMs: edge.publishTimeoutMs,
      httpFirstFrameTimeoutMs: edge.httpFirstFrameTimeoutMs,
      writeTimeoutMs: edge.writeTimeoutMs,
      redirectMax: edge.redirectMax,
      gopCacheMaxBytes: edge.gopCacheMaxBytes,
      pushQueueMaxBytes: edge.pushQueueMaxBytes,
    },
  };
}

function hooksOf({ name, httpHooks, edge }: VhostConfig, notes: string[]): Fields {
  const { enabled, ...urls } = httpHooks;
  const called = filled({ ...urls, onUsage: edge.onUsage });
  // An EdgeCluster has callbacks where one is called.
  if (!enabled || Object.keys(called).length === 0) return {};
  const standard = defaultVhost().edge;
  for (const url of new Set([...Object.values(urls), edge.onUsage].flat())) {
    if (isHere(new URL(url).hostname))
      notes.push(`vhost ${name}: callback ${url} is this machine, which pods do not reach there`);
  }
  const hooks = {
    ...called,
    ...(edge.usageIntervalMs !== standard.usageIntervalMs && { usageIntervalMs: edge.usageIntervalMs }),
    ...(edge.hookFailure !== standard.hookFailure && { onFailure: capital(edge.hookFailure) }),
    ...(edge.hookTimeoutMs !== standard.hookTimeoutMs && { timeoutMs: edge.hookTimeoutMs }),
    ...(edge.onConnectAt !== standard.onConnectAt && { onConnectAt: capital(edge.onConnectAt) }),
  };
  return { hooks };
}

/** Stands for a JWK Set that a person puts there. */
const noKeys = '{"keys":[]}';

function accessOf({ name: vhost, access }: VhostConfig, name: string, notes: string[]): Fields {
  const { security, refer, limits, token } = access;
  const hasRules = security.enabled && security.allow.length + security.deny.length > 0;
  const { enabled: _, ...domains } = refer;
  const most = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit > 0));
  const needsToken = token.play || token.publish;
  const keysSecretName = `${name}-token-keys`;
  if (!needsToken) {
    const files = { keys_file: token.keysFile, jwks_file: token.jwksFile };
    for (const file of Object.entries(files).flatMap(([directive, path]) => (path === '' ? [] : [directive]))) {
      notes.push(`vhost ${vhost}: edge.token.${file}: nobody needs a token (play and publish are off); left out`);
    }
  }
  if (needsToken && token.keysFile !== '') {
    notes.push(
      `vhost ${vhost}: the keys come from a Secret: kubectl create secret generic ${keysSecretName} --from-file=keys=${token.keysFile}`,
    );
  }
  if (needsToken && token.jwksFile !== '') {
    notes.push(
      `vhost ${vhost}: put the content of ${token.jwksFile} into spec.vhosts[].token.jwks; no JSON Web Token is right until then`,
    );
  }
  const hasWebTokens = token.jwksFile !== '' || token.jwksUrl !== '';
  return {
    // Without a rule nobody is let in: an EdgeCluster says that in extraDirectives alone.
    ...(hasRules && { security: filled({ allow: rulesOf(security.allow), deny: rulesOf(security.deny) }) }),
    ...(refer.enabled && {
      refer: filled({ all: unique(domains.all), publish: unique(domains.publish), play: unique(domains.play) }),
    }),
    ...(Object.keys(most).length > 0 && { limits: most }),
    ...(needsToken && {
      token: {
        play: token.play,
        publish: token.publish,
        ...(token.keysFile !== '' && { keysSecretName }),
        ...(token.jwksFile !== '' && { jwks: noKeys }),
        ...filled({ jwksUrl: token.jwksUrl }),
        ...(hasWebTokens && filled({ issuer: token.issuer, audience: token.audience })),
      },
    }),
  };
}

function rulesOf(rules: readonly AddressRule[]): readonly Fields[] {
  return rules.map(({ action, from }) => ({
    action: capital(action),
    ...(from !== 'all' && { from: `${from.address}/${from.prefix}` }),
  }));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

/** Without what is empty. */
function filled(fields: Readonly<Record<string, string | readonly unknown[]>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value.length > 0));
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
