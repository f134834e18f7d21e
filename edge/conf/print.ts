/**
 * Typed model → text in SRS's language, in the order of the table. Only what differs from the defaults is written,
 * and what SRS would take differently if it weren't: a printed file without our `edge` blocks means the same to SRS.
 */
import { isDeepStrictEqual } from 'node:util';
import { toSettings } from './convert.ts';
import { defaultMergedWrite, defaultUnadmittedPerAddress } from './defaults.ts';
import { ROOT, type RootSettings, type VhostSettings } from './directives/root.ts';
import { type PlainDirective, printTree } from './grammar.ts';
import { LANGUAGE } from './language.ts';
import type { EdgeConfig } from './model.ts';
import type { Block, Fields, Leaf, Named } from './schema.ts';

/**
 * Text that `loadConfig` reads back as `config`. Throws RangeError for a value the language can't express, such as
 * a name with a line end.
 * @param language of the edges that read it: what they do not know is left out, and they do as they always did
 */
export function printConfig(config: EdgeConfig, language = LANGUAGE): string {
  return printTree(blockTree(ROOT, withoutDerived(toSettings(config)), ({ since = 1 }) => since <= language));
}

/** The same for somebody who may see the configuration, but not its passwords. It cannot be read back. */
export function printWithoutSecrets(config: EdgeConfig): string {
  const say: Say = (name, leaf, value) =>
    inEach(leaf, shownWords(leaf, value)).map((args) => ({ name, args, children: undefined }));
  return printTree(blockTree(ROOT, withoutDerived(toSettings(config)), () => true, say));
}

/** Names of the directives that `printConfig` leaves out for edges of this language. */
export function leftOut(config: EdgeConfig, language: number): readonly string[] {
  const names = new Set<string>();
  blockTree(ROOT, withoutDerived(toSettings(config)), ({ since = 1 }, name) => {
    if (since > language) names.add(name);
    return true;
  });
  return [...names];
}

type Reads = (leaf: Leaf<unknown>, name: string) => boolean;
type Say = (name: string, leaf: Leaf<unknown>, value: unknown) => PlainDirective[];

function blockTree(
  block: Block<Fields>,
  settings: Readonly<Record<string, unknown>>,
  reads: Reads,
  say: Say = directivesOf,
): PlainDirective[] {
  return Object.entries(block.fields).flatMap(([name, node]): PlainDirective[] => {
    const value = settings[name];
    if (node.kind === 'leaf') {
      if (!isWritten(node, value) || !reads(node, name)) return [];
      return say(name, node, value);
    }
    // The table's own type says which values are settings of blocks.
    if (node.kind === 'named') {
      return (value as readonly Named<Record<string, unknown>>[]).map((item) => ({
        name,
        args: [item.name],
        children: blockTree(node.block, item.body, reads, say),
      }));
    }
    const children = blockTree(node, value as Record<string, unknown>, reads, say);
    return children.length > 0 ? [{ name, args: [], children }] : [];
  });
}

/** The directives that say a value. */
export function directivesOf(name: string, leaf: Leaf<unknown>, value: unknown): PlainDirective[] {
  return inEach(leaf, leaf.type.print(value)).map((args) => ({ name, args, children: undefined }));
}

/** The words of a value as somebody may see them who may see no password. */
export function shownWords({ secret, type }: Leaf<unknown>, value: unknown): readonly string[] {
  return secret ? ['***'] : (type.printShown?.(value) ?? type.print(value));
}

/** The words of each directive that says a part of a value, or all of it. */
function inEach({ wordsEach }: Leaf<unknown>, words: readonly string[]): (readonly string[])[] {
  if (wordsEach === undefined) return [words];
  return words.flatMap((_, index) => (index % wordsEach === 0 ? [words.slice(index, index + wordsEach)] : []));
}

function isWritten(leaf: Leaf<unknown>, value: unknown): boolean {
  if (leaf.required || !isDeepStrictEqual(value, leaf.default)) return true;
  return leaf.srsDefault !== undefined && !isDeepStrictEqual(value, leaf.srsDefault);
}

/** Settings without the values that follow from others. */
function withoutDerived(settings: RootSettings): RootSettings {
  const { edge, max_connections } = settings;
  const derived = edge.unadmitted_per_address === defaultUnadmittedPerAddress(max_connections);
  return {
    ...settings,
    edge: { ...edge, unadmitted_per_address: derived ? undefined : edge.unadmitted_per_address },
    srs_log_level_v2: settings.srs_log_level_v2 === settings.srs_log_level ? undefined : settings.srs_log_level_v2,
    vhost: settings.vhost.map(({ name, body }) => ({ name, body: withoutDerivedIn(body, settings) })),
  };
}

function withoutDerivedIn(vhost: VhostSettings, root: RootSettings): VhostSettings {
  const { play, edge, min_latency } = vhost;
  const derived = defaultMergedWrite(min_latency);
  // With `min_latency on` SRS would merge for 350 ms unless told otherwise.
  const sameInSrs = play.mw_latency === derived.mwLatencyMs && !min_latency;
  return {
    ...vhost,
    chunk_size: vhost.chunk_size === root.chunk_size ? undefined : vhost.chunk_size,
    play: {
      ...play,
      mw_latency: sameInSrs ? undefined : play.mw_latency,
      mw_msgs: play.mw_msgs === derived.mwMsgs ? undefined : play.mw_msgs,
    },
    edge: {
      ...edge,
      drain_timeout: edge.drain_timeout === root.edge.drain_timeout ? undefined : edge.drain_timeout,
    },
  };
}
