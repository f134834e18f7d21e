/** Random configurations and random trees for property tests. */

import { isIP } from 'node:net';
import type { AccessConfig, AddressRule } from '../../edge/conf/access-model.ts';
import { ACCESS, defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import { isWritable, type PlainDirective } from '../../edge/conf/grammar.ts';
import type {
  EdgeConfig,
  ListenAddress,
  Network,
  OriginAddress,
  TlsListen,
  VhostConfig,
} from '../../edge/conf/model.ts';
import fc from '../support/property.ts';

/** `fc.record` whose objects are as ordinary as ours. */
function record<T>(parts: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(parts, { noNullPrototype: true });
}

const ms = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const bool = fc.boolean();
const ipv6 = fc.constantFrom('::1', '2001:db8::17', 'fe80::1');

/** Any text a file can hold: spaces, quotes, braces, other scripts. */
export const words: fc.Arbitrary<string> = fc.string({ unit: 'grapheme', maxLength: 12 }).filter(isWritable);

/** Names and paths may not hold control characters. */
const names = fc
  .oneof(fc.domain(), fc.constantFrom('a b', 'a;b', "it's", '{x}', '#1', '"', '[vhost]', '中文'), words)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those that are not allowed
  .filter((name) => !/[\x00-\x1f\x7f]/.test(name));

/** One address a port, so that none covers or collides with another. */
function listens(port: number): fc.Arbitrary<readonly ListenAddress[]> {
  const host = fc.oneof(fc.constant(undefined), fc.ipV4(), ipv6);
  return fc
    .array(host, { minLength: 1, maxLength: 3 })
    .map((hosts) => hosts.map((h, i) => ({ host: h, port: port + i })));
}

function tls(port: number): fc.Arbitrary<TlsListen> {
  const file = fc.constantFrom('a.pem', '/etc/with blank/b.pem');
  return record({ enabled: bool, listen: listens(port), keyFile: file, certFile: file });
}

const origin: fc.Arbitrary<OriginAddress> = record({
  scheme: fc.constantFrom('rtmp', 'rtmps'),
  host: fc.oneof(fc.domain(), fc.ipV4(), ipv6, fc.constantFrom('localhost', 'srs_origin-0.origins')),
  port: fc.integer({ min: 1, max: 65_535 }),
});

const network: fc.Arbitrary<Network> = fc.oneof(
  record({ address: fc.ipV4(), prefix: fc.integer({ min: 0, max: 32 }) }),
  record({ address: ipv6, prefix: fc.integer({ min: 0, max: 128 }) }),
);

const rule = record<AddressRule>({
  action: fc.constantFrom('play', 'publish'),
  from: fc.oneof(fc.constant('all' as const), network),
});
const rules = fc.array(rule, { maxLength: 4 });
const domains = fc.array(fc.oneof(fc.domain(), fc.constant('.example.com'), fc.ipV4()), { maxLength: 2 });

const token = record<AccessConfig['token']>({
  play: bool,
  publish: bool,
  keysFile: names,
  jwksFile: names,
  jwksUrl: fc.constantFrom('', 'https://keys.example.com/jwks.json'),
  issuer: names,
  audience: names,
}).map((each) => {
  const jwksFile = each.jwksUrl === '' ? each.jwksFile : '';
  const hasKeys = [each.keysFile, jwksFile, each.jwksUrl].some((name) => name !== '');
  return { ...each, jwksFile, play: each.play && hasKeys, publish: each.publish && hasKeys };
});

/** Lists that count have something in them: a file without is refused. */
const access: fc.Arbitrary<AccessConfig> = record<AccessConfig>({
  security: record({ enabled: bool, allow: rules, deny: rules }),
  refer: record({ enabled: bool, all: domains, publish: domains, play: domains }).map((refer) => {
    const { all, publish, play } = refer;
    return { ...refer, enabled: refer.enabled && [...all, ...publish, ...play].length > 0 };
  }),
  token,
  limits: record(
    Object.fromEntries(
      Object.keys(ACCESS.limits).map((name) => [name, fc.integer({ min: 0, max: 1e9 })]),
    ) as unknown as { [K in keyof AccessConfig['limits']]: fc.Arbitrary<number> },
  ),
});

const urls = fc.array(fc.webUrl({ withQueryParameters: true }), { maxLength: 3 });

/** `keys` of `base`, each replaced or not. */
function some<T>(base: T, parts: { [K in keyof T]?: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc
    .record(parts as { [K in keyof T]: fc.Arbitrary<T[K]> }, { requiredKeys: [], noNullPrototype: true })
    .map((p) => ({ ...base, ...p }));
}

function times<T extends object>(base: T): fc.Arbitrary<T> {
  const keys = Object.keys(base).filter((key) => key.endsWith('Ms'));
  const parts = Object.fromEntries(keys.map((key) => [key, ms]));
  return some(base, parts as { [K in keyof T]?: fc.Arbitrary<T[K]> });
}

/** Origins judge no clients where the edge signs in their place. */
function judgedOnce(each: VhostConfig): VhostConfig {
  const { cluster, edge } = each;
  if (cluster.mode === 'local' || edge.originKeysFile === '') return each;
  return { ...each, cluster: { ...cluster, tokenTraverse: false } };
}

function vhost(name: string): fc.Arbitrary<VhostConfig> {
  const base = defaultVhost({ name });
  const size = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const remote = record({
    mode: fc.constant('remote' as const),
    origins: fc.array(origin, { minLength: 1, maxLength: 3 }),
    tokenTraverse: bool,
    vhost: names,
    debugSrsUpnode: bool,
    protocol: fc.constantFrom('rtmp', 'rtmps', 'flv', 'flvs'),
    followClient: bool,
  });
  return some<VhostConfig>(base, {
    enabled: bool,
    minLatency: bool,
    tcpNodelay: bool,
    chunkSize: fc.integer({ min: 128, max: 65_536 }),
    inAckSize: size,
    outAckSize: size,
    cluster: fc.oneof(fc.constant({ mode: 'local' as const }), remote),
    play: some(base.play, {
      gopCache: bool,
      gopCacheMaxFrames: fc.integer({ min: 1, max: 1e6 }),
      queueLengthSeconds: fc.integer({ min: 1, max: 3600 }),
      timeJitter: fc.constantFrom('full', 'zero', 'off'),
      mwLatencyMs: fc.integer({ min: 0, max: 2000 }),
      mwMsgs: fc.integer({ min: 0, max: 128 }),
      sendMinIntervalMs: fc.integer({ min: 0, max: 60_000_000 }).map((us) => us / 1000),
      reduceSequenceHeader: bool,
    }),
    publish: times(base.publish)
      .chain((publish) =>
        some(publish, { kickoffForIdleSeconds: fc.integer({ min: 0, max: 2_000_000 }), override: bool }),
      )
      .map((publish) => ({ ...publish, mr: publish.mrLatencyMs % 2 === 1 })),
    access,
    httpRemux: some(base.httpRemux, {
      enabled: bool,
      mount: fc.constantFrom('/[app]/[stream].flv', '[vhost]/x/[stream].flv', 'a.com/[app]/[stream].flv'),
      hasAudio: bool,
      hasVideo: bool,
      guessHasAv: bool,
      dropIfNotMatch: bool,
    }),
    httpHooks: some(base.httpHooks, {
      enabled: bool,
      onConnect: urls,
      onClose: urls,
      onPublish: urls,
      onUnpublish: urls,
      onPlay: urls,
      onStop: urls,
    }),
    edge: times(base.edge)
      .chain((edge) =>
        some(edge, {
          balance: fc.constantFrom('round_robin', 'hash', 'failover'),
          originLookup: fc.array(
            origin.filter(({ host }) => isIP(host) === 0),
            { maxLength: 2 },
          ),
          gopCacheMaxBytes: fc.integer({ min: 0, max: 2 ** 32 }),
          playQueueMaxBytes: fc.integer({ min: 0, max: 2 ** 32 }),
          pushQueueMaxBytes: fc.integer({ min: 0, max: 2 ** 32 }),
          redirectMax: fc.integer({ min: 0, max: 100 }),
          originHttpPort: fc.integer({ min: 1, max: 65_535 }),
          originHttpsPort: fc.integer({ min: 1, max: 65_535 }),
          originTlsVerify: bool,
          originTlsCaFile: names,
          originTlsName: names,
          originKeysFile: names,
          locateUrl: urls.map(([url = '']) => url),
          hookFailure: fc.constantFrom('refuse', 'admit'),
          onConnectAt: fc.constantFrom('stream', 'connect'),
          onUsage: urls,
        }),
      )
      .map((edge) => ({
        ...edge,
        retryMaxMs: Math.max(edge.retryMinMs, edge.retryMaxMs),
        locateTimeoutMs: Math.min(10_000, Math.max(1, edge.locateTimeoutMs)),
        locateTtlMs: Math.min(3_600_000, edge.locateTtlMs),
        usageIntervalMs: Math.min(86_400_000, Math.max(1_000, edge.usageIntervalMs)),
      })),
  }).map(judgedOnce);
}

/** Valid configurations: whatever a file could say. */
export const configs: fc.Arbitrary<EdgeConfig> = fc
  .uniqueArray(
    names.filter((name) => name !== ''),
    { maxLength: 3 },
  )
  .chain((hosts) => {
    const base = defaultConfig();
    return some<EdgeConfig>(base, {
      serverId: names,
      listen: listens(1000),
      rtmps: tls(2000),
      maxConnections: fc.integer({ min: 1, max: 1e6 }),
      chunkSize: fc.integer({ min: 128, max: 65_536 }),
      pidFile: names,
      log: record({
        tank: fc.constantFrom('console', 'file'),
        level: fc.constantFrom('trace', 'debug', 'info', 'warn', 'error'),
        file: names,
      }),
      graceStartWaitMs: ms,
      graceFinalWaitMs: ms,
      autoReload: bool,
      httpApi: some(base.httpApi, {
        listen: listens(3000),
        crossdomain: bool,
        rawApiEnabled: bool,
        allowReload: bool,
        auth: fc.option(record({ username: names.filter((n) => n !== ''), password: names.filter((n) => n !== '') }), {
          nil: undefined,
        }),
        https: tls(4000),
      }).map((api) => ({ ...api, enabled: api.https.enabled })),
      httpServer: some(base.httpServer, { listen: listens(5000), crossdomain: bool, dir: names, https: tls(6000) }).map(
        (server) => ({ ...server, enabled: server.https.enabled }),
      ),
      exporter: record({
        enabled: bool,
        listen: listens(7000),
        label: names,
        tag: names,
        streams: fc.integer({ min: 0, max: 1_000 }),
        credentialsFile: names,
      }),
      heartbeat: record({
        enabled: bool,
        intervalMs: fc.integer({ min: 100, max: 86_400_000 }),
        url: fc.webUrl(),
        deviceId: names,
        summaries: bool,
        ports: bool,
      }),
      edge: times(base.edge)
        .chain((edge) =>
          some(edge, {
            apiCredentialsFile: names,
            tlsTicketKeysFile: names,
            apiTrustedOrigins: fc.subarray(['https://a.example', 'http://localhost:3000']),
            page: bool,
            pageFigures: bool,
            trustedProxies: fc.array(network, { maxLength: 3 }),
            proxyProtocol: bool,
            nameServers: fc.array(
              record({ host: fc.oneof(fc.ipV4(), ipv6), port: fc.integer({ min: 1, max: 65_535 }) }),
              {
                maxLength: 2,
              },
            ),
            unadmittedPerAddress: fc.integer({ min: 1, max: 1e6 }),
            mediaMemoryMaxBytes: fc.integer({ min: 1_048_576, max: 2 ** 40 }),
            unfinishedMaxBytes: fc.integer({ min: 65_536, max: 2 ** 32 }),
          }),
        )
        .map((edge) => ({
          ...edge,
          probeMaxMs: Math.max(edge.probeMinMs, edge.probeMaxMs),
          proxyProtocol: edge.proxyProtocol && edge.trustedProxies.length > 0,
        })),
      vhosts: hosts.length === 0 ? fc.constant([]) : fc.tuple(...hosts.map(vhost)),
    });
  });

/** Any tree of directives the grammar can express; `include` is left out. */
export const trees: fc.Arbitrary<readonly PlainDirective[]> = fc.letrec<{ tree: readonly PlainDirective[] }>((tie) => ({
  tree: fc.array(
    record({
      name: words.filter((word) => word !== 'include'),
      args: fc.array(words, { maxLength: 3 }),
      children: fc.option(tie('tree'), { nil: undefined, depthSize: 'small', maxDepth: 4 }),
    }),
    { maxLength: 4 },
  ),
})).tree;
