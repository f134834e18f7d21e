/**
 * Environment variables that override directives, named as SRS names them: `SRS_` and the path in capitals, such as
 * `SRS_VHOST_PLAY_GOP_CACHE`, which counts for all vhosts. An empty variable counts as unset.
 */
import { isWritable } from './grammar.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { type Block, type Fields, leavesOf } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that override the directive at `path`; the first that is set counts. */
export function variablesOf(path: readonly string[]): readonly string[] {
  const name = path.join('_').toUpperCase();
  // SRS_SRS_LOG_LEVEL reads badly, so SRS takes SRS_LOG_LEVEL as well.
  if (name.startsWith('SRS_')) return [`SRS_${name}`, name];
  // Since SRS 7.0.64 these stand in `rtmp { }`.
  return name === 'LISTEN' || name === 'CHUNK_SIZE' ? [`SRS_${name}`, `SRS_RTMP_${name}`] : [`SRS_${name}`];
}

export interface EnvValue {
  readonly variable: string;
  readonly words: readonly string[];
}

/** The override of the directive at `path`, split into words where it takes several. */
export function envValue(env: Environment, path: readonly string[], list: boolean): EnvValue | undefined {
  for (const variable of variablesOf(path)) {
    const text = env[variable];
    if (text === undefined || text.trim() === '') continue;
    return { variable, words: list ? text.trim().split(/\s+/) : [text.trim()] };
  }
  return undefined;
}

/** A value of the environment that no file could hold, and so could never be printed. */
export function unwritableWord(words: readonly string[]): number {
  return words.findIndex((word) => !isWritable(word));
}

/** What SRS reads from the environment alone: the address that heartbeats tell. */
const others: ReadonlySet<string> = new Set(['SRS_DEVICE_IP']);

/**
 * Warnings for variables that look like overrides and are none: ignored directives and unknown names. Those that
 * Kubernetes makes for a Service "srs" are none of ours.
 */
export function checkVariables(env: Environment, root: Block<Fields>): Problem[] {
  const known = new Set(leavesOf(root.fields).flatMap(({ path }) => variablesOf(path)));
  const ignored = ignoredPrefixes(root, []);
  const problems: Problem[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (
      !variable.startsWith('SRS_') ||
      !value ||
      known.has(variable) ||
      isServiceLink(variable) ||
      others.has(variable)
    )
      continue;
    const reason = ignored.find(([prefix]) => variable === prefix || variable.startsWith(`${prefix}_`))?.[1];
    const at = { variable };
    if (reason !== undefined) problems.push({ at, what: `has no effect: ${reason}` });
    else problems.push({ at, what: 'overrides no known directive', nearest: nearest(variable, known) });
  }
  return problems;
}

function ignoredPrefixes(block: Block<Fields>, path: readonly string[]): (readonly [string, string])[] {
  const own = Object.entries(block.ignored).flatMap(([name, reason]) =>
    variablesOf([...path, name]).map((variable) => [variable, reason] as const),
  );
  const inner = Object.entries(block.fields).flatMap(([name, node]) =>
    node.kind === 'leaf' ? [] : ignoredPrefixes(node.kind === 'block' ? node : node.block, [...path, name]),
  );
  return [...own, ...inner];
}

/** What Kubernetes and Docker put into the environment for each Service: SRS_EDGE_SERVICE_HOST, SRS_EDGE_PORT_1935_TCP. */
function isServiceLink(variable: string): boolean {
  return /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/.test(variable);
}
