/** Who may come in, in the words of the edge. */
import { createHash } from 'node:crypto';
import type { AccessConfig, AddressRule as Rule } from '../../edge/conf/access-model.ts';
import { networks } from '../../edge/conf/address-values.ts';
import { ACCESS } from '../../edge/conf/defaults.ts';
import type { Network } from '../../edge/conf/model.ts';
import { CONFIG_DIRECTORY } from '../api/labels.ts';
import type { AddressRule, EdgeCluster, Token, Vhost } from '../api/types.ts';
import { RenderError } from './error.ts';

/** The key of a Secret that holds the keys of signed URLs. */
export const TOKEN_KEYS_KEY = 'keys';

/** Where such a Secret is mounted. */
export function tokenKeysDirectory(secretName: string): string {
  return `/etc/edge-token-keys/${secretName}`;
}

/** The file of such a Secret. */
export function tokenKeysFile(secretName: string): string {
  return `${tokenKeysDirectory(secretName)}/${TOKEN_KEYS_KEY}`;
}

/** Secrets with keys of signed URLs, of clients and for origins, each once. */
export function tokenKeysSecrets({ spec }: EdgeCluster): readonly string[] {
  const ofClients = spec.vhosts.flatMap(({ token }) => token?.keysSecretName ?? []);
  const forOrigins = spec.origins.flatMap(({ keysSecretName }) => keysSecretName ?? []);
  return [...new Set([...ofClients, ...forOrigins])].toSorted();
}

/** Key of the ConfigMap that holds a JWK Set, named after its content as authorities of origins are. */
export function jwksKey(jwks: string): string {
  return `jwks-${createHash('sha256').update(jwks).digest('hex').slice(0, 8)}.json`;
}

/** JWK Sets by the keys of the ConfigMap that hold them. */
export function jwksFiles({ spec }: EdgeCluster): ReadonlyMap<string, string> {
  return new Map(
    spec.vhosts.flatMap(({ token }) => (token?.jwks === undefined ? [] : [[jwksKey(token.jwks), token.jwks] as const])),
  );
}

/** Throws RenderError for a range of addresses that is none. */
export function accessOf({ security, refer, limits, token }: Vhost, place: string): AccessConfig {
  const rules = (list: readonly AddressRule[] | undefined, name: string): readonly Rule[] =>
    (list ?? []).map(({ action, from }, index) => ({
      action: action === 'Play' ? 'play' : 'publish',
      from: from === undefined ? 'all' : networkOf(from, `${place}.security.${name}[${index}].from`),
    }));
  return {
    security:
      security === undefined
        ? ACCESS.security
        : { enabled: true, allow: rules(security.allow, 'allow'), deny: rules(security.deny, 'deny') },
    refer: refer === undefined ? ACCESS.refer : { ...ACCESS.refer, enabled: true, ...lowerCase(refer) },
    limits: { ...ACCESS.limits, ...limits },
    token: token === undefined ? ACCESS.token : tokenOf(token),
  };
}

function lowerCase<T extends object>(lists: T): T {
  const entries = Object.entries(lists).map(([name, domains]: [string, readonly string[]]) => [
    name,
    domains.map((domain) => domain.toLowerCase()),
  ]);
  // The same names, and the same kind of lists.
  return Object.fromEntries(entries) as T;
}

function tokenOf({ play, publish, keysSecretName, jwks, jwksUrl, issuer, audience }: Token): AccessConfig['token'] {
  return {
    play,
    publish,
    keysFile: keysSecretName === undefined ? '' : tokenKeysFile(keysSecretName),
    jwksFile: jwks === undefined ? '' : `${CONFIG_DIRECTORY}/${jwksKey(jwks)}`,
    jwksUrl: jwksUrl ?? '',
    issuer: issuer ?? '',
    audience: audience ?? '',
  };
}

/** The caches of HLS serve the same origins, and ask nobody: says so where a vhost keeps players out. */
export function openByHls({ spec }: EdgeCluster): readonly string[] {
  if (spec.hls === undefined) return [];
  return spec.vhosts.flatMap(({ security, refer, token }, index) => {
    const keepsOut = {
      security: security?.allow !== undefined || security?.deny?.some(({ action }) => action === 'Play'),
      refer: refer?.all !== undefined || refer?.play !== undefined,
      token: token?.play,
    };
    const names = Object.entries(keepsOut).flatMap(([name, value]) => (value ? [name] : []));
    if (names.length === 0) return [];
    const what = `spec.vhosts[${index}]: ${names.join(' and ')} do not count for HLS, whose caches ask nobody`;
    return [`${what}; give streams that need them no HLS at the origins, or leave spec.hls out`];
  });
}

/** Throws RenderError for what is no range of addresses. */
export function networkOf(text: string, place: string): Network {
  const parsed = networks.parse([text]);
  const [network] = parsed.ok ? parsed.value : [];
  if (network !== undefined) return network;
  throw new RenderError('InvalidConfig', [`${place}: "${text}" is no range of addresses, such as 203.0.113.0/24`]);
}
