/** Vhosts and origins of a file in the words of an EdgeCluster. */
import type { AddressRule } from '../../edge/conf/access-model.ts';
import { defaultMergedWrite, defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeConfig, OriginAddress, RemoteCluster, VhostConfig } from '../../edge/conf/model.ts';
import type { Fields } from './listeners.ts';

const balance = { round_robin: 'RoundRobin', hash: 'StreamHash', failover: 'Failover' } as const;

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
    return [{ name: vhost.name, ...(!isFirst && { origin: known.name }), ...vhostOf(vhost, cluster, name, notes) }];
  });
  return { origins: [...groups.values()], vhosts };
}

function groupOf({ name, edge }: VhostConfig, { origins }: RemoteCluster, notes: string[]): Fields {
  const scheme = origins[0]?.scheme ?? 'rtmp';
  const others = origins.filter((origin) => origin.scheme !== scheme);
  if (others.length > 0) {
    notes.push(
      `vhost ${name}: a group of origins speaks RTMP or RTMPS, so ${others.map(written).join(', ')} is left out`,
    );
  }
  for (const origin of origins.filter(({ host }) => isHere(host))) {
    notes.push(
      `vhost ${name}: origin ${written(origin)} is this machine, which pods do not reach there; write its address`,
    );
  }
  if (edge.originTlsCaFile !== '') {
    notes.push(`vhost ${name}: put the content of ${edge.originTlsCaFile} into tls.caBundle of its origin group`);
  }
  return {
    servers: origins.filter((origin) => origin.scheme === scheme).map(written),
    ...(scheme === 'rtmps' && { tls: edge.originTlsVerify ? {} : { insecureSkipVerify: true } }),
    ...(edge.balance !== 'round_robin' && { balance: balance[edge.balance] }),
    timeouts: {
      connectMs: edge.connectTimeoutMs,
      requestMs: edge.requestTimeoutMs,
      firstFrameMs: edge.firstFrameTimeoutMs,
      locateIntervalMs: edge.locateIntervalMs,
      stallMs: edge.stallTimeoutMs,
      retryMinMs: edge.retryMinMs,
      retryMaxMs: edge.retryMaxMs,
    },
  };
}

/** Whether a host is the machine that the file was written for. */
function isHere(host: string): boolean {
  return /^(localhost$|127\.|\[?::1\]?$)/.test(host);
}

function written({ host, port }: OriginAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
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
    ...(vhost.httpHooks.enabled && { hooks: hooksOf(vhost, notes) }),
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
  const { enabled: _, ...urls } = httpHooks;
  const standard = defaultVhost().edge;
  for (const url of new Set(Object.values({ ...urls, onUsage: edge.onUsage }).flat())) {
    if (isHere(new URL(url).hostname))
      notes.push(`vhost ${name}: callback ${url} is this machine, which pods do not reach there`);
  }
  return {
    ...filled({ ...urls, onUsage: edge.onUsage }),
    ...(edge.usageIntervalMs !== standard.usageIntervalMs && { usageIntervalMs: edge.usageIntervalMs }),
    ...(edge.hookFailure !== standard.hookFailure && { onFailure: capital(edge.hookFailure) }),
    ...(edge.hookTimeoutMs !== standard.hookTimeoutMs && { timeoutMs: edge.hookTimeoutMs }),
  };
}

function accessOf({ name: vhost, access }: VhostConfig, name: string, notes: string[]): Fields {
  const { security, refer, limits, token } = access;
  const { enabled: _, ...domains } = refer;
  const most = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit > 0));
  const needsToken = token.play || token.publish;
  const keysSecretName = `${name}-token-keys`;
  if (needsToken && token.keysFile !== '') {
    notes.push(
      `vhost ${vhost}: the keys come from a Secret: kubectl create secret generic ${keysSecretName} --from-file=keys=${token.keysFile}`,
    );
  }
  if (needsToken && token.jwksFile !== '') {
    notes.push(`vhost ${vhost}: put the content of ${token.jwksFile} into spec.vhosts[].token.jwks`);
  }
  return {
    ...(security.enabled && { security: filled({ allow: rulesOf(security.allow), deny: rulesOf(security.deny) }) }),
    ...(refer.enabled && {
      refer: filled({ all: unique(domains.all), publish: unique(domains.publish), play: unique(domains.play) }),
    }),
    ...(Object.keys(most).length > 0 && { limits: most }),
    ...(needsToken && {
      token: {
        play: token.play,
        publish: token.publish,
        ...(token.keysFile !== '' && { keysSecretName }),
        ...filled({ jwksUrl: token.jwksUrl, issuer: token.issuer, audience: token.audience }),
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
