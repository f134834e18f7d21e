/**
 * The escape hatch: `extraDirectives` put over the directives we print. One that we print too is replaced, block by
 * block; all the rest is added. The whole is then checked like a file, and problems are found in the user's text.
 */
import { checkSettings } from '../../edge/conf/check.ts';
import { toConfig } from '../../edge/conf/convert.ts';
import { type Directive, parseTree } from '../../edge/conf/grammar.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import type { Problem } from '../../edge/conf/problem.ts';
import { readSettings } from '../../edge/conf/read.ts';
import type { EdgeClusterSpec } from '../api/types.ts';
import { describe, isUsersText, RenderError } from './error.ts';

/** Directives that other objects or the operator depend on, so that another field has them, and what to do instead. */
const governed: ReadonlyMap<string, string> = new Map([
  ['listen', 'set spec.listeners.rtmp.port'],
  ['rtmps', 'set spec.listeners.rtmps'],
  ['http_api.enabled', 'the operator and the probes need the API'],
  ['http_api.listen', 'set spec.listeners.api.port'],
  ['http_api.auth', 'the operator makes a credential, in the Secret NAME-api-credentials'],
  ['http_server.enabled', 'set spec.listeners.http.enabled'],
  ['http_server.listen', 'set spec.listeners.http.port'],
  ['http_server.https', 'set spec.listeners.https'],
  ['exporter.enabled', 'set spec.listeners.exporter.enabled'],
  ['exporter.listen', 'set spec.listeners.exporter.port'],
  ['exporter.streams', 'set spec.listeners.exporter.streams'],
  ['exporter.credentials_file', 'set spec.listeners.exporter.requireCredentials'],
  ['server_id', 'it is the name of the pod'],
  ['inotify_auto_reload', 'edges must take changed configurations by themselves'],
  ['edge.drain_timeout', 'set spec.pods.drainSeconds'],
  ['edge.page', 'set spec.listeners.http.page'],
  ['edge.api_credentials_file', 'the operator makes it, from the Secret NAME-api-credentials'],
  ['edge.tls_ticket_keys_file', 'the operator makes it, from the Secret NAME-api-credentials'],
  ['vhost', 'set spec.vhosts, and their extraDirectives'],
  ['vhost.edge.drain_timeout', 'set spec.pods.drainSeconds'],
  ['vhost.cluster.origin', 'set spec.origins, and the vhost’s origin'],
  ['vhost.cluster.protocol', 'set spec.origins[].pull.protocol, and spec.origins[].tls for TLS'],
  ['vhost.cluster.follow_client', 'set spec.origins[].pull.followClient'],
  ['vhost.edge.origin_http_port', 'set spec.origins[].pull.httpPort'],
  ['vhost.edge.origin_https_port', 'set spec.origins[].pull.httpsPort'],
]);

/** Why a directive cannot stand in `extraDirectives`, and what to do instead; undefined where it can. */
export function governedBy(path: readonly string[]): string | undefined {
  return governed.get(path.join('.'));
}

/** Other names of directives: where one is given, what we print by the other name must not count. */
const otherNames: ReadonlyMap<string, string> = new Map([['srs_log_level', 'srs_log_level_v2']]);

/**
 * What `text` (as we print it for `spec`) means with the user's directives over it. `warnings` tell of directives
 * without effect. Throws RenderError with all that is wrong.
 */
export function withExtraDirectives(
  text: string,
  spec: EdgeClusterSpec,
): { readonly config: EdgeConfig; readonly warnings: readonly string[] } {
  const errors: Problem[] = [];
  let index = 0;
  const vhosts = parseTree(text, 'spec').directives.map((directive) => {
    if (directive.name !== 'vhost') return directive;
    const place = `spec.vhosts[${index}]`;
    const extra = spec.vhosts[index]?.extraDirectives ?? '';
    index++;
    const ours = within(directive, place);
    const theirs = readExtra(extra, `${place}.extraDirectives`, ['vhost'], errors);
    return { ...ours, children: merge(ours.children ?? [], theirs) };
  });
  const directives = merge(vhosts, readExtra(spec.extraDirectives ?? '', 'spec.extraDirectives', [], errors));
  const reading = readSettings(directives, {}, 'spec');
  const checked = checkSettings(reading.settings, reading.given, 'spec');
  errors.push(...reading.errors, ...checked.errors);
  if (errors.length > 0) {
    const theirs = errors.some(({ at }) => 'file' in at && isUsersText(at.file));
    throw new RenderError(theirs ? 'InvalidDirectives' : 'InvalidConfig', errors.map(describe));
  }
  return {
    config: toConfig(reading.settings),
    warnings: [...reading.warnings, ...checked.warnings].map(describe),
  };
}

function readExtra(text: string, file: string, path: readonly string[], errors: Problem[]): readonly Directive[] {
  const { directives, problems } = parseTree(text, file);
  errors.push(...problems);
  return admitted(directives, path, errors);
}

/** Those that may stand in the user's text. */
function admitted(directives: readonly Directive[], path: readonly string[], errors: Problem[]): Directive[] {
  return directives.flatMap((directive) => {
    const { name, at, children } = directive;
    const here = [...path, name];
    if (name === 'include') {
      errors.push({ at, what: 'files cannot be included', remedy: 'write the directives here' });
      return [];
    }
    const remedy = governedBy(here);
    if (remedy !== undefined) {
      errors.push({ at, what: `"${name}" cannot be set here`, remedy });
      return [];
    }
    return [children === undefined ? directive : { ...directive, children: admitted(children, here, errors) }];
  });
}

/** `ours` with `theirs` over it. What they give twice stays twice, for the warning. */
function merge(ours: readonly Directive[], theirs: readonly Directive[]): readonly Directive[] {
  const merged = [...ours];
  const seen = new Set<string>();
  for (const directive of theirs) {
    const { name } = directive;
    const isFirst = !seen.has(name);
    seen.add(name);
    const index = isFirst ? merged.findIndex((other) => other.name === name) : -1;
    const own = merged[index];
    if (own === undefined) merged.push(directive);
    else if (own.children === undefined || directive.children === undefined) {
      // Of one that may be given several times all of ours give way.
      const others = merged.flatMap((other, at) => (at === index ? [directive] : other.name === name ? [] : [other]));
      merged.splice(0, merged.length, ...others);
    } else merged[index] = { ...directive, children: merge(own.children, directive.children) };
  }
  const hidden = new Set(
    [...seen].map((name) => otherNames.get(name)).filter((name) => name !== undefined && !seen.has(name)),
  );
  return merged.filter(({ name }) => !hidden.has(name));
}

/** A directive of ours, placed in a field of the spec. */
function within(directive: Directive, file: string): Directive {
  const { args, children } = directive;
  return {
    ...directive,
    at: { ...directive.at, file },
    args: args.map((word) => ({ ...word, at: { ...word.at, file } })),
    children: children?.map((child) => within(child, file)),
  };
}
