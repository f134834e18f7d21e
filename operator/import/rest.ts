/** What a file says and no field of an EdgeCluster has: as `extraDirectives` where they may hold it, else told. */
import { isDeepStrictEqual } from 'node:util';
import { toSettings } from '../../edge/conf/convert.ts';
import { ROOT } from '../../edge/conf/directives/root.ts';
import { type PlainDirective, printTree } from '../../edge/conf/grammar.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { directivesOf } from '../../edge/conf/print.ts';
import type { Block, Fields } from '../../edge/conf/schema.ts';
import { governedBy } from '../render/directives.ts';

export interface Rest {
  /** `extraDirectives` of the spec; empty where there are none. */
  readonly top: string;
  /** Those of vhosts, by name. */
  readonly vhosts: ReadonlyMap<string, string>;
  readonly left: readonly Left[];
}

/** A directive that is not carried. */
export interface Left {
  /** As `diffConfig` names it: `pid`, `vhost a.com: play.gop_cache`. */
  readonly path: string;
  readonly why: string;
}

/** Directives that fields of the spec carry, though the file of the edges says something else. */
export const carriedByFields: ReadonlySet<string> = new Set([
  ...['listen', 'rtmps.enabled', 'rtmps.listen', 'rtmps.key', 'rtmps.cert', 'http_api.enabled', 'http_api.listen'],
  ...['http_server.enabled', 'http_server.listen', 'http_server.https.enabled', 'http_server.https.listen'],
  ...['http_server.https.key', 'http_server.https.cert', 'exporter.enabled', 'exporter.listen'],
  'exporter.credentials_file',
  ...['edge.drain_timeout', 'edge.page', 'vhost.edge.drain_timeout', 'vhost.cluster.origin'],
  ...['vhost.cluster.protocol', 'vhost.edge.origin_http_port', 'vhost.edge.origin_https_port'],
  ...['vhost.edge.origin_tls_ca_file', 'vhost.edge.origin_keys_file'],
  ...['vhost.edge.token.keys_file', 'vhost.edge.token.jwks_file'],
]);

/** Directives that mean nothing in a pod, or something else, and why. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['pid', 'a pod needs none'],
  ['srs_log_tank', 'pods log to standard output'],
  ['srs_log_file', 'pods log to standard output'],
  ['http_server.dir', 'a pod has no such folder; serve files from elsewhere'],
  ...['enabled', 'listen', 'key', 'cert'].map(
    (name) => [`http_api.https.${name}`, 'the API of a pod is for the operator; look with kubectl edge'] as const,
  ),
  ...['enabled', 'username', 'password'].map(
    (name) => [`http_api.auth.${name}`, 'the operator makes a credential, in the Secret NAME-api-credentials'] as const,
  ),
]);

type Values = Readonly<Record<string, unknown>>;

/** Where the directives that `carried` lacks belong. @param wanted what the file says */
export function restOf(wanted: EdgeConfig, carried: EdgeConfig): Rest {
  const left: Left[] = [];
  const [from, to] = [toSettings(carried), toSettings(wanted)];
  const top = differing(ROOT, from, to, [], (path, why) => left.push({ path: path.join('.'), why }));
  const vhosts = new Map(
    to.vhost.flatMap(({ name, body }) => {
      const known = from.vhost.find((vhost) => vhost.name === name);
      if (known === undefined) return [];
      const leave: Leave = ([, ...path], why) => left.push({ path: `vhost ${name}: ${path.join('.')}`, why });
      const text = printTree(differing(ROOT.fields.vhost.block, known.body, body, ['vhost'], leave));
      return text === '' ? [] : [[name, text] as const];
    }),
  );
  return { top: printTree(top), vhosts, left };
}

type Leave = (path: readonly string[], why: string) => void;

function differing(
  block: Block<Fields>,
  from: Values,
  to: Values,
  path: readonly string[],
  leave: Leave,
): PlainDirective[] {
  return Object.entries(block.fields).flatMap(([name, node]): PlainDirective[] => {
    if (node.kind === 'named' || isDeepStrictEqual(from[name], to[name])) return [];
    const here = [...path, name];
    if (carriedByFields.has(here.join('.'))) return [];
    const why = elsewhere.get(here.join('.')) ?? (node.kind === 'leaf' ? governedBy(here) : undefined);
    if (why !== undefined) {
      leave(here, why);
      return [];
    }
    if (node.kind === 'leaf') return directivesOf(name, node, to[name]);
    const children = differing(node, from[name] as Values, to[name] as Values, here, leave);
    return children.length === 0 ? [] : [{ name, args: [], children }];
  });
}
