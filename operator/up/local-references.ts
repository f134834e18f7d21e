/**
 * What an EdgeCluster refers to and a single machine does not have: Services, other EdgeClusters and Secrets. Others take
 * their place.
 */

import { join } from 'node:path';
import type { EdgeConfig, TlsListen, VhostConfig } from '../../edge/conf/model.ts';
import { API_CREDENTIALS_DIRECTORY, CONFIG_DIRECTORY } from '../api/labels.ts';
import type { EdgeCluster, OriginGroup } from '../api/types.ts';
import { jwksFiles, TOKEN_KEYS_KEY, tokenKeysFile } from '../render/access.ts';
import { caBundleKey } from '../render/edge-config.ts';

export interface LocalReferences {
  /** `host:port`s to use for an origin group, whatever the EdgeCluster says. */
  readonly origins: ReadonlyMap<string, readonly string[]>;
  /** `host:port`s of the edges above, for a group that names an EdgeCluster that runs here, too. Default: none does. */
  readonly above?: (group: OriginGroup) => readonly string[] | undefined;
  /** Directories with `tls.key` and `tls.crt` to use for Secrets, by the Secret's name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Where files of the configuration are kept. */
  readonly directory: string;
}

/** The origins of each group. Throws for a group that follows what is not here, and was not given others. */
export function localOrigins(
  { spec }: EdgeCluster,
  { origins, above = () => undefined }: LocalReferences,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    spec.origins.map((group) => {
      const { name, servers, edgeCluster } = group;
      const addresses = origins.get(name) ?? servers ?? above(group);
      if (addresses !== undefined && addresses.length > 0) return [name, addresses];
      const what =
        edgeCluster === undefined
          ? 'a Service, and there is none here'
          : addresses === undefined
            ? `EdgeCluster ${edgeCluster.name}, which is not in the manifest`
            : `EdgeCluster ${edgeCluster.name}, which has no edges: scale it up`;
      throw new Error(`origin group ${name} follows ${what}: say --origin ${name}=HOST:PORT`);
    }),
  );
}

/**
 * The rendered configuration with files of this machine where pods have mounted ones.
 * Throws for a Secret that no directory stands for.
 */
export function localConfig(config: EdgeConfig, { spec }: EdgeCluster, references: LocalReferences): EdgeConfig {
  const { rtmps, https } = spec.listeners;
  const { directory, secrets } = references;
  return {
    ...config,
    rtmps: localTls(config.rtmps, rtmps?.secretName, secrets),
    exporter: {
      ...config.exporter,
      credentialsFile: config.exporter.credentialsFile.replace(API_CREDENTIALS_DIRECTORY, directory),
    },
    httpServer: { ...config.httpServer, https: localTls(config.httpServer.https, https?.secretName, secrets) },
    vhosts: config.vhosts.map((vhost, index) => ({
      ...vhost,
      access: { ...vhost.access, token: localToken(vhost, spec.vhosts[index]?.token?.keysSecretName, references) },
      edge: {
        ...vhost.edge,
        originTlsCaFile: vhost.edge.originTlsCaFile.replace(CONFIG_DIRECTORY, directory),
        originKeysFile: localKeysFile(vhost.edge.originKeysFile, spec.origins, secrets),
      },
    })),
  };
}

/** The files beside edge.conf: authorities of origins and public keys of tokens, by their file's name. */
export function localFiles(cluster: EdgeCluster): ReadonlyMap<string, string> {
  const bundles = cluster.spec.origins.flatMap(({ name, tls }) =>
    tls?.caBundle === undefined ? [] : [[caBundleKey(name, tls.caBundle), tls.caBundle] as const],
  );
  return new Map([...bundles, ...jwksFiles(cluster)]);
}

function localToken(
  { access: { token } }: VhostConfig,
  secret: string | undefined,
  { secrets, directory }: LocalReferences,
): VhostConfig['access']['token'] {
  const jwksFile = token.jwksFile.replace(CONFIG_DIRECTORY, directory);
  if (secret === undefined) return { ...token, jwksFile };
  return { ...token, jwksFile, keysFile: keysFileOf(secret, secrets) };
}

function keysFileOf(secret: string, secrets: LocalReferences['secrets']): string {
  return join(directoryOf(secret, secrets, TOKEN_KEYS_KEY), TOKEN_KEYS_KEY);
}

/** @param file as pods have it, of the Secret of one of the groups; empty: of none */
function localKeysFile(file: string, groups: readonly OriginGroup[], secrets: LocalReferences['secrets']): string {
  const names = groups.flatMap(({ keysSecretName }) => keysSecretName ?? []);
  const secret = names.find((name) => tokenKeysFile(name) === file);
  return secret === undefined ? file : keysFileOf(secret, secrets);
}

function localTls(listen: TlsListen, secret: string | undefined, secrets: LocalReferences['secrets']): TlsListen {
  if (secret === undefined) return listen;
  const directory = directoryOf(secret, secrets, 'tls.key and tls.crt');
  return { ...listen, keyFile: join(directory, 'tls.key'), certFile: join(directory, 'tls.crt') };
}

/** @param holds what must be in it. Throws for a Secret that no directory stands for. */
function directoryOf(secret: string, secrets: LocalReferences['secrets'], holds: string): string {
  const directory = secrets.get(secret);
  if (directory !== undefined) return directory;
  throw new Error(`Secret ${secret} is not here: say --secret ${secret}=DIRECTORY, with ${holds} in it`);
}
