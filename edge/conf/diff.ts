/** The difference between two configurations and what each change costs. Pure: whoever runs the edge applies it. */
import { isDeepStrictEqual } from 'node:util';
import { toConfig, toSettings } from './convert.ts';
import { defaultConfig } from './defaults.ts';
import { ROOT, type RootSettings } from './directives/root.ts';
import type { EdgeConfig } from './model.ts';
import { shownWords } from './print.ts';
import type { Block, Effect, Fields, Leaf, Named } from './schema.ts';

/** One directive whose value differs. */
export interface Change {
  /** `http_api.listen`, `vhost a.com: play.gop_cache`. */
  readonly path: string;
  /** The values as they stand in a file; secrets as `***`. */
  readonly from: string;
  readonly to: string;
  readonly effect: Effect;
}

export interface Difference {
  readonly changes: readonly Change[];
  /** Names of vhosts. New ones serve at once; of removed ones, present clients stay and new ones are refused. */
  readonly vhostsAdded: readonly string[];
  readonly vhostsRemoved: readonly string[];
}

/** What changes when an edge that runs `running` takes `next`. The order of vhosts means nothing. */
export function diffConfig(running: EdgeConfig, next: EdgeConfig): Difference {
  const changes: Change[] = [];
  const added: string[] = [];
  const removed: string[] = [];
  const from = toSettings(running);
  const to = toSettings(next);

  function compare(block: Block<Fields>, a: Values, b: Values, prefix: string): void {
    for (const [name, node] of Object.entries(block.fields)) {
      const path = prefix + name;
      if (node.kind === 'leaf') compareLeaf(node, a[name], b[name], path);
      else if (node.kind === 'block') compare(node, a[name] as Values, b[name] as Values, `${path}.`);
      else compareNamed(node.block, a[name] as readonly Named<Values>[], b[name] as readonly Named<Values>[], path);
    }
  }

  function compareLeaf(leaf: Leaf<unknown>, a: unknown, b: unknown, path: string): void {
    if (isDeepStrictEqual(a, b)) return;
    changes.push({ path, from: write(leaf, a), to: write(leaf, b), effect: leaf.effect });
  }

  function compareNamed(
    block: Block<Fields>,
    a: readonly Named<Values>[],
    b: readonly Named<Values>[],
    directive: string,
  ): void {
    const before = new Map(a.map((item) => [item.name, item.body]));
    for (const { name, body } of b) {
      const old = before.get(name);
      if (old === undefined) added.push(name);
      else compare(block, old, body, `${directive} ${name}: `);
      before.delete(name);
    }
    removed.push(...before.keys());
  }

  compare(ROOT, from, to, '');
  return { changes, vhostsAdded: added, vhostsRemoved: removed };
}

/** True when nothing differs. */
export function isSame({ changes, vhostsAdded, vhostsRemoved }: Difference): boolean {
  return changes.length === 0 && vhostsAdded.length === 0 && vhostsRemoved.length === 0;
}

/** The changes of a difference that wait for a restart. */
export function needsRestart({ changes }: Difference): readonly Change[] {
  return changes.filter(({ effect }) => effect === 'restart');
}

/**
 * The settings that only a restart can change, as far as they differ from the defaults: path → value as in a file.
 * Two configurations that agree in them need no restart between them.
 */
export function restartSettings(config: EdgeConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(needsRestart(diffConfig(defaultConfig(), config)).map(({ path, to }) => [path, to]));
}

/** `next` with every value that only a restart can change taken from `running`: what a reload may really apply. */
export function withoutRestart(running: EdgeConfig, next: EdgeConfig): EdgeConfig {
  // A walk by the table yields what the table says.
  return toConfig(keepRestart(ROOT, toSettings(running), toSettings(next)) as RootSettings);
}

function keepRestart(block: Block<Fields>, running: Values, next: Values): Values {
  const kept: Record<string, unknown> = {};
  for (const [name, node] of Object.entries(block.fields)) {
    if (node.kind === 'block') kept[name] = keepRestart(node, running[name] as Values, next[name] as Values);
    else if (node.kind === 'leaf' && node.effect === 'restart') kept[name] = running[name];
    // Nothing in a vhost needs a restart (a test holds that), so vhosts are taken whole.
    else kept[name] = next[name];
  }
  return kept;
}

type Values = Readonly<Record<string, unknown>>;

function write(leaf: Leaf<unknown>, value: unknown): string {
  return shownWords(leaf, value).join(' ');
}
