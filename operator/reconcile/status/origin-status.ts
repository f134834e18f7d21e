/** The origins of an EdgeCluster as its edges see them, merged into one view. */

import { type Finding, finding } from '../../api/conditions.ts';
import type { EdgeCluster, EdgeClusterStatus, OriginStatus } from '../../api/types.ts';
import { answerOf, byCodeUnits, type Fleet, hasUnasked } from '../edges/fleet.ts';
import type { EdgeOrigin } from '../edges/report.ts';
import type { FoundOrigins } from '../observe/discovery.ts';
import { listed, plural } from './words.ts';

/** The worst first: of states that as many edges see, the worst is told. */
const states = ['Down', 'Suspect', 'Up', 'Untried'] as const;
const stateOf = { up: 'Up', suspect: 'Suspect', down: 'Down', untried: 'Untried' } as const;

/** Status lists so many at most: behind a Service there may be a thousand. */
export const mostOrigins = 50;

/** Whether there may be more origins than the list of a status shows. */
export function isCut(listed: readonly OriginStatus[]): boolean {
  return listed.length >= mostOrigins;
}

/** What status lists of all origins: where there are too many, those that need a look come first. */
export function listedOrigins(origins: readonly OriginStatus[]): readonly OriginStatus[] {
  if (origins.length <= mostOrigins) return origins;
  const rank = ({ state }: OriginStatus) => byNeed.indexOf(state);
  return origins.toSorted((a, b) => rank(a) - rank(b)).slice(0, mostOrigins);
}

const byNeed: readonly OriginStatus['state'][] = ['Down', 'Suspect', 'Untried', 'Up'];

/** In the order of the groups and of their addresses; of a group that no vhost uses the edges know nothing. */
export function originStatuses(
  cluster: EdgeCluster,
  { origins }: FoundOrigins,
  fleet: Fleet,
  previous: EdgeClusterStatus | undefined,
): OriginStatus[] {
  const answers = fleet.active.flatMap((member) => answerOf(member) ?? []);
  const used = new Set(cluster.spec.vhosts.map(({ origin }) => origin ?? cluster.spec.origins[0]?.name));
  return cluster.spec.origins.flatMap(({ name: group, tls }) =>
    (used.has(group) ? (origins.get(group) ?? []) : []).map((server): OriginStatus => {
      const name = tls === undefined ? server : `rtmps://${server}`;
      const views = answers.flatMap((report) => report.origins.get(name) ?? []);
      const seen = merged(group, server, views);
      if (seen.state !== 'Untried') return seen;
      // Until the edges have been asked, and one has tried it again, what was known of the origin holds.
      const known = knownOf(group, server, previous?.origins ?? []);
      if (known !== undefined && views.length === 0 && hasUnasked(fleet)) return known;
      const ready = fleet.ready.length;
      return known?.state === 'Down' && ready > 0 ? { ...known, downOn: Math.min(known.downOn, ready) } : seen;
    }),
  );
}

/** As status had it. What its list leaves out was as well as the last one in it. */
function knownOf(group: string, server: string, before: readonly OriginStatus[]): OriginStatus | undefined {
  const known = before.find((one) => one.group === group && one.server === server);
  const last = before.at(-1);
  if (known !== undefined || last === undefined || !isCut(before)) return known;
  return { group, server, state: last.state, downOn: last.downOn };
}

/** An edge that has not tried the origin knows nothing of it. */
function merged(group: string, server: string, views: readonly EdgeOrigin[]): OriginStatus {
  const tried = views.filter(({ state }) => state !== 'untried');
  const votes = (wanted: OriginStatus['state']) => tried.filter(({ state }) => stateOf[state] === wanted).length;
  const state = tried.length === 0 ? 'Untried' : states.reduce((best, one) => (votes(one) > votes(best) ? one : best));
  const reason = mostFrequent(tried.map(({ reason }) => reason).filter((reason) => reason !== ''));
  return { group, server, state, downOn: votes('Down'), ...(reason !== undefined && { reason }) };
}

/** Of equally frequent texts always the same one, whatever the order. */
function mostFrequent(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || byCodeUnits(a, b))[0]?.[0];
}

/** `2/2`: origins that edges have reached and that are not down, of all. */
export function reachableOf(origins: readonly OriginStatus[]): string {
  const reached = origins.filter(({ state }) => state === 'Up' || state === 'Suspect');
  return `${reached.length}/${origins.length}`;
}

function isReachable({ state }: OriginStatus): boolean {
  return state !== 'Down';
}

/** The condition OriginsReachable. */
export function originsReachable({ problems }: FoundOrigins, origins: readonly OriginStatus[], fleet: Fleet): Finding {
  const type = 'OriginsReachable';
  const [problem] = problems;
  if (problem !== undefined) {
    const concerned = origins.filter(({ group }) => problems.some((one) => one.group === group));
    const seen = fleet.ready.length === 0 ? '' : `; when edges last tried, they reached ${reachableOf(concerned)}`;
    return finding(type, problem.reason, `${problems.map(({ message }) => message).join('; ')}${seen}`);
  }
  const tried = origins.filter(({ state }) => state !== 'Untried');
  if (tried.length === 0) return finding(type, ...untried(fleet));
  const down = origins.filter((origin) => !isReachable(origin));
  if (down.length === 0) {
    const rest = origins.length - tried.length;
    const more = rest === 0 ? '' : '; the rest have not been tried yet';
    return finding(
      type,
      'AllReachable',
      `${tried.length} of ${plural(origins.length, 'origin')} can be reached${more}`,
    );
  }
  const groups = [...new Set(down.map(({ group }) => group))];
  const lost = groups.filter((name) => !origins.some((origin) => origin.group === name && isReachable(origin)));
  const which = listed(down.map(describeOrigin));
  if (lost.length > 0)
    return finding(type, 'NoneReachable', `group ${lost.join(', ')} has no origin that can be reached: ${which}`);
  return finding(type, 'SomeUnreachable', `streams go by way of the other origins; not reachable: ${which}`);
}

function untried({ ready }: Fleet): ['NoEdges' | 'EdgesSilent' | 'NotTried', string] {
  if (ready.length === 0) return ['NoEdges', 'no edge is ready that could tell'];
  if (ready.every(({ edge }) => edge.state === 'silent'))
    return ['EdgesSilent', `the operator has no answer from ${plural(ready.length, 'edge')}`];
  return ['NotTried', 'no edge has tried an origin yet: they do soon after they start'];
}

/** `main/10.0.0.1:1935 (connection refused)` */
export function describeOrigin({ group, server, reason }: OriginStatus): string {
  return `${group}/${server}${reason === undefined ? '' : ` (${reason})`}`;
}
