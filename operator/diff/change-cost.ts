/**
 * What a change of an EdgeCluster costs, from what is rendered of it before and after. Pure. What is compared is what
 * the operator applies; what others have set in those objects stays as it is.
 */
import { parseConfig } from '../../edge/conf/load.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { newestConfig } from '../api/labels.ts';
import { isOfHls } from '../render/hls/names.ts';
import type { OwnedObject } from '../render/metadata.ts';
import { configCost } from './config-cost.ts';
import { type Cost, costliestFirst, type Finding, greatestCost } from './cost.ts';
import { changeText, fieldChanges, valueAt } from './fields.ts';
import { hlsCost } from './hls-cost.ts';
import { policyCost, serviceCost } from './network-cost.ts';
import { podsCost, replicasOf } from './pods-cost.ts';

/** All that is rendered of one EdgeCluster. */
export type State = readonly OwnedObject[];

export interface ChangeCost {
  readonly cost: Cost;
  /** The costliest first. Empty: nothing differs. */
  readonly findings: readonly Finding[];
}

/**
 * @param from undefined: there is none yet
 * @param further what else the change does
 * Throws ConfigError for an edge.conf in it that is none.
 */
export function changeCost(from: State | undefined, to: State, further: readonly Finding[] = []): ChangeCost {
  const findings = from === undefined ? [novelty(to)] : [...further, ...findingsOf(from, to)];
  return { cost: greatestCost(findings), findings: costliestFirst(findings) };
}

function novelty(to: State): Finding {
  const edges = replicasOf(to.find(({ kind }) => kind === 'Deployment'));
  return { cost: 'nothing', object: 'EdgeCluster', change: 'is new', effect: `${edges} edges start` };
}

function findingsOf(from: State, to: State): Finding[] {
  const [before, after] = [configOf(from), configOf(to)];
  const config = before && after ? configCost(after.title, before.config, after.config) : [];
  const [old, next] = [others(from), others(to)];
  const titles = new Set([...next.keys(), ...old.keys()]);
  return [...config, ...[...titles].flatMap((title) => objectCost(title, old.get(title), next.get(title)))];
}

function objectCost(title: string, from: OwnedObject | undefined, to: OwnedObject | undefined): Finding[] {
  const kind = (to ?? from)?.kind;
  const hls = isOfHls(to ?? from) ? hlsCost(title, from, to) : undefined;
  if (hls !== undefined) return [...hls, ...metadataCost(title, from, to)];
  if (kind === 'NetworkPolicy') return [...policyCost(title, from, to), ...metadataCost(title, from, to)];
  if (to === undefined) return [quiet(title, 'is removed')];
  if (from === undefined) return [quiet(title, 'is new')];
  return [...specCost(title, from, to), ...metadataCost(title, from, to)];
}

function specCost(title: string, from: OwnedObject, to: OwnedObject): Finding[] {
  if (to.kind === 'Deployment') return podsCost(title, from, to);
  if (to.kind === 'Service') return serviceCost(title, from, to);
  const [before, after] = [from, to].map(({ metadata: _, ...rest }) => rest);
  return fieldChanges(before, after).map((change) => quiet(title, changeText(change)));
}

/** Labels and annotations of the objects themselves. */
function metadataCost(title: string, from: OwnedObject | undefined, to: OwnedObject | undefined): Finding[] {
  if (from === undefined || to === undefined) return [];
  const kept = ({ metadata: { labels, annotations } }: OwnedObject) => ({ metadata: { labels, annotations } });
  const effect = to.kind === 'Service' ? 'who follows it, as a load balancer does, may act on it' : '';
  return fieldChanges(kept(from), kept(to)).map((change) => quiet(title, changeText(change), effect));
}

function quiet(object: string, change: string, effect = ''): Finding {
  return { cost: 'nothing', object, change, effect };
}

/** All but the configuration of the edges, by `Kind name`. */
function others(state: State): ReadonlyMap<string, OwnedObject> {
  return new Map(
    state.filter((object) => configFileOf(object) === undefined).map((object) => [titleOf(object), object]),
  );
}

/** The edge.conf that an object holds: of an older release it has another key. */
export function configFileOf(object: OwnedObject): ReturnType<typeof newestConfig> {
  const data = object.kind === 'ConfigMap' ? valueAt(object, 'data') : undefined;
  return typeof data === 'object' && data !== null ? newestConfig(data) : undefined;
}

/** Undefined: there is none. Throws ConfigError for one that is none. */
export function configOf(state: State): { readonly title: string; readonly config: EdgeConfig } | undefined {
  for (const object of state) {
    const file = configFileOf(object);
    if (file !== undefined)
      return { title: titleOf(object), config: parseConfig(file.text, { name: file.key }).config };
  }
  return undefined;
}

function titleOf({ kind, metadata }: OwnedObject): string {
  return `${kind} ${metadata.name}`;
}
