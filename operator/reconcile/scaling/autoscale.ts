/** The number of edges of an EdgeCluster that scales by its clients: decided, and made known. */

import type { V1Deployment, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { scalesByClients, scalesByUtilization } from '../../api/autoscaling.ts';
import type { Autoscaling, EdgeCluster } from '../../api/types.ts';
import { fleetOf, rolloutOf } from '../edges/fleet.ts';
import type { EdgePoller } from '../edges/poller.ts';
import type { PodView } from '../observe/views.ts';
import { type Decision, decide, type History } from './decide.ts';
import { clientsIn, holdIn } from './sight.ts';
import { type WriteScaleDeps, writeScale } from './write-scale.ts';

export interface AutoscaleDeps extends WriteScaleDeps {
  readonly edges: Pick<EdgePoller, 'askNow' | 'edge'>;
}

export interface AutoscaleInput {
  /** `namespace/name` */
  readonly key: string;
  /** As the API server has it. */
  readonly cluster: EdgeCluster;
  readonly deployment: V1Deployment | undefined;
  readonly pods: readonly PodView[];
}

/** It may be lost: then nothing is taken away until it has been too much for a while again. */
export class ScalingMemory {
  history: History | undefined;
  /** Monotonic time of the last write of `spec.replicas`. */
  writtenAtMs = Number.NEGATIVE_INFINITY;
  /** Why the API server refused that one; undefined: it did not. */
  refusal: string | undefined;
}

/** How the number of edges comes about; for status. */
export interface Scaling {
  /** Of the manifest. */
  readonly autoscaling: Autoscaling;
  /** By clients; undefined: they are no target, or autoscaling stands still. */
  readonly decision: Decision | undefined;
  /** Why no edge may be taken now, in words. */
  readonly hold: string | undefined;
  readonly refusal: string | undefined;
}

export interface Autoscaled {
  /** With the number of edges that is in force. */
  readonly cluster: EdgeCluster;
  /** Undefined: nothing scales it by itself. */
  readonly scaling: Scaling | undefined;
  /** Milliseconds until it is to be looked at again; undefined: when something happens. */
  readonly dueInMs: number | undefined;
}

/**
 * The number of edges is in force with what is returned; `spec.replicas` follows it for others to see.
 * @throws ApiError when the API server cannot be reached or is too busy
 */
export async function autoscale(
  deps: AutoscaleDeps,
  input: AutoscaleInput,
  memory: ScalingMemory,
): Promise<Autoscaled> {
  const { cluster, key } = input;
  const { autoscaling } = cluster.spec;
  if (autoscaling === undefined || cluster.spec.replicas === 0 || !scalesByClients(cluster.spec)) {
    return atRest(cluster, memory);
  }
  const before = memory.history;
  let decided = decisionFor(deps, input, autoscaling, before);
  if (before !== undefined && decided.decision.history.edges < before.edges) {
    // The answers are up to some seconds old, and clients may just have come.
    await deps.edges.askNow(key);
    decided = decisionFor(deps, input, autoscaling, before);
  }
  const { decision, hold } = decided;
  const { edges } = decision.history;
  memory.history = decision.history;
  const isShared = scalesByUtilization(cluster.spec);
  const isNews = edges !== before?.edges;
  const writeDueInMs = isShared ? undefined : await writeScale(deps, cluster, edges, isNews, memory);
  const { refusal } = memory;
  const dueInMs = Math.min(...[writeDueInMs, decision.dueInMs].filter((ms) => ms !== undefined));
  return {
    cluster: inForce(cluster, autoscaling, edges, isShared),
    scaling: { autoscaling, decision, hold, refusal },
    dueInMs: Number.isFinite(dueInMs) ? dueInMs : undefined,
  };
}

/** While the EdgeCluster is paused: what was chosen is what the autoscaler has, as far as there is one. */
export function standing(
  cluster: EdgeCluster,
  autoscaler: V2HorizontalPodAutoscaler | undefined,
  memory: ScalingMemory,
): Autoscaled {
  const rest = atRest(cluster, memory);
  const { autoscaling } = cluster.spec;
  const edges = autoscaler?.spec?.minReplicas;
  if (autoscaling === undefined || edges === undefined || !scalesByClients(cluster.spec)) return rest;
  const { minReplicas, maxReplicas } = autoscaling;
  return { ...rest, cluster: inForce(cluster, autoscaling, Math.min(Math.max(edges, minReplicas), maxReplicas), true) };
}

function atRest(cluster: EdgeCluster, memory: ScalingMemory): Autoscaled {
  memory.history = undefined;
  memory.refusal = undefined;
  const { autoscaling } = cluster.spec;
  const scaling = autoscaling && { autoscaling, decision: undefined, hold: undefined, refusal: undefined };
  return { cluster, scaling, dueInMs: undefined };
}

function decisionFor(
  { edges: { edge }, nowMs }: AutoscaleDeps,
  { cluster: { spec }, deployment, pods }: AutoscaleInput,
  autoscaling: Autoscaling,
  history: History | undefined,
): { readonly decision: Decision; readonly hold: string | undefined } {
  const fleet = fleetOf(pods, edge, Date.now());
  const hold = holdIn(fleet, deployment && rolloutOf(deployment));
  const sight = {
    nowMs: nowMs(),
    ...clientsIn(fleet),
    // What an autoscaler asks for by CPU is no need of clients.
    askedEdges: scalesByUtilization(spec) ? 0 : spec.replicas,
    presentEdges: deployment?.spec?.replicas ?? 0,
    isHeld: hold !== undefined,
  };
  return { decision: decide(history, sight, autoscaling), hold };
}

/** @param isShared whether a HorizontalPodAutoscaler may ask for more */
function inForce(cluster: EdgeCluster, autoscaling: Autoscaling, edges: number, isShared: boolean): EdgeCluster {
  const { spec } = cluster;
  const replicas = isShared ? Math.max(spec.replicas, edges) : edges;
  return { ...cluster, spec: { ...spec, replicas, autoscaling: { ...autoscaling, minReplicas: edges } } };
}
