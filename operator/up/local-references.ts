/** What an EdgeCluster refers to and a single machine does not have: Services and Secrets. Others take their place. */

import { join } from 'node:path';
import type { EdgeConfig, TlsListen } from '../../edge/conf/model.ts';
import { CONFIG_DIRECTORY } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { caBundleKey } from '../render/edge-config.ts';

export interface LocalReferences {
  /** `host:port`s to use for an origin group, whatever the EdgeCluster says. */
  readonly origins: ReadonlyMap<string, readonly string[]>;
  /** Directories with `tls.key` and `tls.crt` to use for Secrets, by the Secret's name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Where files of the configuration are kept. */
  readonly directory: string;
}

/** The origins of each group. Throws for a group that follows a Service and was not given others. */
export function localOrigins(
  { spec }: EdgeCluster,
  { origins }: LocalReferences,
): ReadonlyMap<string, readonly string[]> {
  for (const group of origins.keys()) {
    if (!spec.origins.some(({ name }) => name === group)) {
      throw new Error(`--origin ${group}: spec.origins has ${spec.origins.map(({ name }) => name).join(', ')}`);
    }
  }
  return new Map(
    spec.origins.map(({ name, servers }) => {
      const addresses = origins.get(name) ?? servers;
      if (addresses === undefined) {
        throw new Error(
          `origin group ${name} follows a Service, and there is none here: say --origin ${name}=HOST:PORT`,
        );
      }
      return [name, addresses];
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
    httpServer: { ...config.httpServer, https: localTls(config.httpServer.https, https?.secretName, secrets) },
    vhosts: config.vhosts.map((vhost) => ({
      ...vhost,
      edge: { ...vhost.edge, originTlsCaFile: vhost.edge.originTlsCaFile.replace(CONFIG_DIRECTORY, directory) },
    })),
  };
}

/** The files beside edge.conf: authorities of origins, by their file's name. */
export function localFiles({ spec }: EdgeCluster): ReadonlyMap<string, string> {
  const bundles = spec.origins.flatMap(({ name, tls }) =>
    tls?.caBundle === undefined ? [] : [[caBundleKey(name, tls.caBundle), tls.caBundle] as const],
  );
  return new Map(bundles);
}

function localTls(listen: TlsListen, secret: string | undefined, secrets: LocalReferences['secrets']): TlsListen {
  if (secret === undefined) return listen;
  const directory = secrets.get(secret);
  if (directory === undefined) {
    throw new Error(`Secret ${secret} is not here: say --secret ${secret}=DIRECTORY, with tls.key and tls.crt in it`);
  }
  return { ...listen, keyFile: join(directory, 'tls.key'), certFile: join(directory, 'tls.crt') };
}
