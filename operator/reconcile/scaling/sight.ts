/** What the pods and edges of an EdgeCluster show of its clients. */

import { CONFIG_FILE } from '../../api/labels.ts';
import { type Fleet, lastAnswerOf, type Member, type Rollout } from '../edges/fleet.ts';
import type { EdgeFigures } from '../edges/report.ts';
import type { Sight } from './decide.ts';
import type { Clients } from './need.ts';

const isRunning = ({ pod }: Member): boolean => pod.phase === 'Running';

/**
 * Clients of edges that end count, too: they will be at the others. Ready edges that have fallen silent are taken to
 * have as many as the others have on average: fewer would hide a lack of edges, and more would bring edges for nothing.
 */
export function clientsIn(fleet: Fleet): Pick<Sight, 'clients' | 'isComplete' | 'emptyEdges'> {
  const active = fleet.active.filter(isRunning);
  const told = active.flatMap(figuresOf);
  const leaving = fleet.ending.filter(isRunning).flatMap(figuresOf);
  const silent = silentIn(fleet).filter(({ pod }) => pod.ready).length;
  const factor = told.length === 0 ? 1 : (told.length + silent) / told.length;
  const sum = (figure: keyof Clients): number => Math.round(total(told, figure) * factor + total(leaving, figure));
  const hasTold = told.length > 0 || active.length === 0;
  return {
    clients: hasTold
      ? { players: sum('players'), publishers: sum('publishers'), sentKbps: sum('sentKbps') }
      : undefined,
    // Where no edge is ready, or none reaches an origin, clients have nowhere to be, and will come back.
    isComplete: told.length === active.length && fleet.ready.some((member) => !isCutOff(member)),
    emptyEdges: fleet.ready.flatMap(figuresOf).filter(({ players, publishers }) => players + publishers === 0).length,
  };
}

/** Edges that run and do not tell how many clients they have, besides those that nobody has asked yet. */
export function silentIn({ active }: Fleet): readonly Member[] {
  return active.filter(
    (member) => isRunning(member) && member.edge.state === 'silent' && lastAnswerOf(member) === undefined,
  );
}

/** Why no edge may be taken now, in words; undefined: some may. */
export function holdIn({ active }: Fleet, rollout: Rollout | undefined): string | undefined {
  if (rollout !== undefined && rollout.state !== 'done') return 'edges are being replaced';
  // One of those that try it could be taken.
  const isTried = active.some(({ pod }) => pod.metadata.annotations?.[CONFIG_FILE] !== undefined);
  return isTried ? 'a changed configuration is being tried' : undefined;
}

/** Whether it reaches none of its origins. */
function isCutOff(member: Member): boolean {
  const states = [...(lastAnswerOf(member)?.origins.values() ?? [])].map(({ state }) => state);
  return states.length > 0 && states.every((state) => state === 'down');
}

function figuresOf(member: Member): EdgeFigures[] {
  const report = lastAnswerOf(member);
  return report === undefined ? [] : [report.figures];
}

function total(figures: readonly EdgeFigures[], figure: keyof Clients): number {
  return figures.reduce((sum, one) => sum + one[figure], 0);
}
