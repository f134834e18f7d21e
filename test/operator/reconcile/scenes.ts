/** Pods, reports and observations for tests of what the operator makes of them. */

import type { V1Deployment } from '@kubernetes/client-node';
import { LANGUAGE } from '../../../edge/conf/language.ts';
import type { EdgeReport, EdgeState } from '../../../operator/reconcile/edges/report.ts';
import type { PodView } from '../../../operator/reconcile/observe/views.ts';
import type { Observation } from '../../../operator/reconcile/status/observation.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';

export const hash = 'aaaaaaaaaaaaaaaa';
export const otherHash = 'bbbbbbbbbbbbbbbb';

export type PodKind = 'ready' | 'starting' | 'failing' | 'ending';

export function pod(name: string, kind: PodKind = 'ready', more: Partial<PodView> = {}): PodView {
  return {
    metadata: { name, uid: `uid-${name}`, namespace: 'media' },
    phase: kind === 'starting' ? 'Pending' : 'Running',
    ip: '10.1.0.1',
    apiPort: 1985,
    language: LANGUAGE,
    ready: kind === 'ready',
    ending: kind === 'ending',
    failure: kind === 'failing' ? { reason: 'CrashLoopBackOff', message: 'Error, exit code 1' } : undefined,
    awaitedSecrets: [],
    ...more,
  };
}

export interface ReportWish {
  readonly hash?: string;
  readonly error?: string;
  readonly players?: number;
  readonly publishers?: number;
  readonly movablePlayers?: number;
  readonly sentKbps?: number;
  readonly clients?: { readonly taken: number; readonly refused: number };
  readonly eventLoopLagMs?: number;
  /** Name → state, or state and reason. */
  readonly origins?: Readonly<Record<string, EdgeOriginWish>>;
}
type EdgeOriginWish = 'up' | 'suspect' | 'down' | 'untried' | readonly ['down' | 'suspect', string];

export function report(wish: ReportWish = {}): EdgeReport {
  const origins = wish.origins ?? { 'origin-a.media:1935': 'up', 'origin-b.media:1935': 'up' };
  return {
    state: 'serving',
    config: { hash: wish.hash ?? hash, error: wish.error },
    figures: {
      players: wish.players ?? 0,
      edgePlayers: 0,
      publishers: wish.publishers ?? 0,
      streams: 1,
      receivedKbps: 10,
      sentKbps: wish.sentKbps ?? 100,
      originConnections: 0,
    },
    movablePlayers: wish.movablePlayers ?? wish.players ?? 0,
    clients: wish.clients ?? { taken: 0, refused: 0 },
    eventLoopLagMs: wish.eventLoopLagMs ?? 0,
    origins: new Map(
      Object.entries(origins).map(([name, state]) => [
        name,
        typeof state === 'string' ? { state, reason: '' } : { state: state[0], reason: state[1] },
      ]),
    ),
  };
}

export function answering(wish: ReportWish = {}): EdgeState {
  return { state: 'answering', report: report(wish) };
}

export const silent = {
  state: 'silent',
  cause: 'noAnswer',
  why: 'no answer in 2000 ms',
  last: undefined,
} as const satisfies EdgeState;
/** Silent now; it ran this configuration before. */
export function saidLast(hash: string): EdgeState {
  return { ...silent, last: report({ hash }) };
}
export const refusing: EdgeState = {
  state: 'silent',
  cause: 'refused',
  why: 'it does not know the credential (HTTP status 401)',
  last: undefined,
};
export const unknown: EdgeState = { state: 'unknown' };

/** By the names of pods; others answer that all is well. */
export function edgesSaying(states: Readonly<Record<string, EdgeState>>): (uid: string) => EdgeState {
  return (uid) => states[uid.replace('uid-', '')] ?? answering();
}

export function deployment(status: V1Deployment['status'] = {}): V1Deployment {
  return {
    metadata: { name: 'live', namespace: 'media', generation: 2 },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, ...status },
  };
}

/** Two edges that are ready and well, unless `wish` says otherwise. */
export function observation(
  wish: Partial<Observation> = {},
  spec: Readonly<Record<string, unknown>> = {},
): Observation {
  return {
    cluster: edgeCluster({ metadata: { generation: 3 }, spec }),
    previous: undefined,
    config: { valid: true, hash, warnings: [] },
    origins: { origins: new Map([['main', ['origin-a.media:1935', 'origin-b.media:1935']]]), problems: [] },
    secrets: [],
    masterKeyProblem: undefined,
    definition: [],
    objects: [],
    upgrade: undefined,
    pause: undefined,
    scaling: undefined,
    autoscaler: undefined,
    stage: { kind: 'all' },
    deployment: deployment(),
    hls: { deployment: undefined, origins: { origins: new Map(), problems: [] } },
    pods: [pod('live-1'), pod('live-2')],
    edge: () => answering(),
    ...wish,
  };
}
