/** Carries out a plan: writes it, and finds out what a refusal means. */

import type { KubernetesObject } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { EdgeCluster } from '../../api/types.ts';
import { ApiError, isAnothers, isNamespaceEnding, type KubeApi } from '../../kube/api.ts';
import { resourceOf } from '../../kube/resources.ts';
import type { OwnedObject } from '../../render/metadata.ts';
import { holderOf, lastWriter, standingOf } from '../observe/ownership.ts';
import { isImmutable, objectDifferences } from './compare.ts';
import { type OwnedMemory, putBackMs } from './owned-memory.ts';
import { type Application, type Blocked, CREATE_ONLY, type Plan } from './plan.ts';

/** Tells people: an Event of Kubernetes at the EdgeCluster. */
export type Notify = (cluster: EdgeCluster, type: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface ApplyDeps {
  readonly api: Pick<KubeApi, 'apply' | 'delete' | 'get'>;
  readonly log: Logger;
  readonly notify: Notify;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** A write or a removal. */
interface Failed {
  readonly object: KubernetesObject;
  readonly error: ApiError;
}

export interface Outcome {
  /** Objects that were written. */
  readonly applied: number;
  /** Found out now; besides what the plan knew. */
  readonly blocked: readonly Blocked[];
  /** To be tried again with pauses. */
  readonly failed: readonly Failed[];
  /** The namespace is being deleted or is gone: nothing more can be made in it. */
  readonly namespaceEnding: boolean;
  /** A kind is not served any more (its CRD was removed). */
  readonly kindGone: boolean;
  /** The informers were ahead of an answer: they have shown already what became of what was written. */
  readonly overtaken: boolean;
}

/** What pods need before they can start, or start with the right configuration. */
export const needed: ReadonlySet<string> = new Set(['ConfigMap', 'ServiceAccount']);

/**
 * Applies one object after the other: configuration before pods. What fails doesn't keep others from being applied,
 * unless they need it.
 * @throws ApiError when the API server cannot be reached or is too busy: all else would fail, too
 */
export async function carryOut(
  deps: ApplyDeps,
  cluster: EdgeCluster,
  todo: Plan,
  memory: OwnedMemory,
): Promise<Outcome> {
  const blocked: Blocked[] = [];
  const failed: Failed[] = [];
  const lacking = new Set(todo.blocked.map(({ object }) => object.kind).filter((kind) => needed.has(kind)));
  let namespaceEnding = false;
  let kindGone = false;
  let applied = 0;
  for (const application of todo.apply) {
    const { wanted, id } = application;
    if (wanted.kind === 'Deployment' && lacking.size > 0) continue;
    try {
      const obstacle = await applyOne(deps, cluster, application, memory);
      if (obstacle === undefined) {
        applied++;
        continue;
      }
      memory.failed(id, obstacle, deps.nowMs());
      blocked.push({ object: wanted, obstacle });
    } catch (error) {
      const verdict = verdictOf(error, wanted);
      if (verdict === 'namespaceEnding') {
        namespaceEnding = true;
        break;
      }
      if (verdict === 'kindGone') {
        kindGone = true;
        continue;
      }
      if (verdict === 'again') failed.push({ object: wanted, error: error as ApiError });
      else {
        const obstacle = { kind: 'refused', wantedHash: application.hash, message: verdict.refused } as const;
        memory.failed(id, obstacle, deps.nowMs());
        blocked.push({ object: wanted, obstacle });
        deps.log.warn({ object: titleOf(wanted), err: verdict.refused }, 'refused by the API server');
      }
    }
    if (needed.has(wanted.kind)) lacking.add(wanted.kind);
  }
  // What is to take the place of another may not have come: a revision, for one, goes only after the next is there.
  const absent = new Set([...todo.blocked, ...blocked, ...failed].map(({ object }) => object.kind));
  const remove = namespaceEnding ? [] : todo.remove.filter(({ kind = '' }) => !absent.has(kind));
  for (const object of remove) {
    const error = await removeOne(deps, object);
    if (error !== undefined) failed.push({ object, error });
  }
  return { applied, blocked, failed, namespaceEnding, kindGone, overtaken: memory.takeOvertaken() };
}

/** An obstacle: somebody else has an object of that name. */
async function applyOne(
  deps: ApplyDeps,
  cluster: EdgeCluster,
  application: Application,
  memory: OwnedMemory,
): Promise<Blocked['obstacle'] | undefined> {
  const { live, object, wanted, why } = application;
  if (application.wasTaken) return lookThenApply(deps, cluster, application, memory);
  const { api, signal } = deps;
  try {
    if (why !== 'put back' || live === undefined) {
      done(deps, cluster, application, await applyTo(deps, live, object), 'someone', memory);
      return undefined;
    }
    // Who it was is in managedFields, which the informers don't keep, and gone with what we write.
    const { namespace, name } = wanted.metadata;
    const edited = await api.get<KubernetesObject>(resourceOf(wanted), namespace, name, { signal });
    // Who takes a field away is not in managedFields. So whether the API server has dropped it since an operator before us
    // applied the object, is seen by applying it again: that changes nothing then.
    const answer = await applyTo(deps, edited, object);
    done(deps, cluster, { ...application, live: edited ?? live }, answer, lastWriter(edited), memory);
    return undefined;
  } catch (error) {
    // What was to be created exists: our informers do not show objects without our label.
    if (live === undefined && error instanceof ApiError && error.status === 409)
      return lookThenApply(deps, cluster, application, memory);
    throw error;
  }
}

/** What is immutable takes nothing: another object takes its place. Edges that run keep the files that they have meanwhile. */
async function applyTo(
  { api, signal }: ApplyDeps,
  live: KubernetesObject | undefined,
  object: OwnedObject,
): Promise<KubernetesObject> {
  if (live === undefined || !isImmutable(live)) return api.apply(object, { force: true, signal });
  const { namespace, name } = object.metadata;
  await api.delete(resourceOf(object), namespace, name, { uid: live.metadata?.uid, signal });
  const { uid: _, ...metadata } = object.metadata;
  const target = { ...object, metadata: { ...metadata, resourceVersion: CREATE_ONLY } };
  return api.apply(target, { force: true, signal });
}

/** Looks at what has the name. What is ours has lost its label and is put back; what is not, is left alone. */
async function lookThenApply(
  deps: ApplyDeps,
  cluster: EdgeCluster,
  application: Application,
  memory: OwnedMemory,
): Promise<Blocked['obstacle'] | undefined> {
  const { wanted, object } = application;
  const { namespace, name } = wanted.metadata;
  const { api, signal } = deps;
  const live = await api.get<KubernetesObject>(resourceOf(wanted), namespace, name, { signal });
  if (live !== undefined && standingOf(live, cluster) !== 'ours') return { kind: 'taken', holder: holderOf(live) };
  const uid = live?.metadata?.uid;
  const { resourceVersion: _, ...metadata } = object.metadata;
  const precondition = uid === undefined ? { resourceVersion: CREATE_ONLY } : { uid };
  const target = { ...object, metadata: { ...metadata, ...precondition } };
  const answer = await applyTo(deps, live, target);
  const why = live === undefined ? 'create' : 'put back';
  done(deps, cluster, { ...application, live, why }, answer, lastWriter(live), memory);
  return undefined;
}

function done(
  deps: ApplyDeps,
  cluster: EdgeCluster,
  application: Application,
  answer: KubernetesObject,
  by: string,
  memory: OwnedMemory,
): void {
  if (!noteApplied(memory, application, answer, by, deps.nowMs())) return;
  const { id, wanted, live, why, fields } = application;
  const object = titleOf(wanted);
  const shown = fields.slice(0, 8);
  if (why !== 'put back') {
    deps.log.info({ object, why, ...(shown.length > 0 && { fields: shown }) }, 'applied');
    return;
  }
  const pausedMs = memory.putBackAtMs(id, deps.nowMs()) - deps.nowMs();
  deps.log.info({ object, why, fields: shown, by, nextNotBeforeMs: Math.round(pausedMs) }, 'applied');
  const what = live === undefined ? 'it was deleted' : `${by} had changed ${shown.join(', ') || 'its annotations'}`;
  const more = pausedMs > putBackMs.first ? `; next time after ${Math.round(pausedMs / 1000)} s` : '';
  deps.notify(cluster, 'Normal', 'PutBack', `${object} is put back as the EdgeCluster wants it: ${what}${more}`);
}

/**
 * Remembers that it was applied. False: nothing changed by it, as when the API server writes a field in its own way
 * and an operator before us knew that.
 * @param by who had changed what is put back, in words
 */
export function noteApplied(
  memory: OwnedMemory,
  done: Application,
  answer: KubernetesObject,
  by: string,
  nowMs: number,
): boolean {
  const changed = answer.metadata?.resourceVersion !== done.live?.metadata?.resourceVersion;
  const putBackFrom = changed && done.why === 'put back' ? by : undefined;
  const remaining = objectDifferences(done.wanted, answer);
  memory.applied(done.id, done.hash, { answer, changed, remaining, putBackFrom }, nowMs);
  return changed;
}

/** Returns why it could not be removed. Throws what concerns the API server as a whole. */
async function removeOne({ api, log, signal }: ApplyDeps, object: KubernetesObject): Promise<ApiError | undefined> {
  const { namespace, name = '', uid } = object.metadata ?? {};
  try {
    if (await api.delete(resourceOf(object), namespace, name, { uid, signal })) {
      log.info({ object: titleOf(object) }, 'removed');
    }
  } catch (error) {
    const failure = ofOne(error);
    if (!isAnothers(failure)) return failure;
  }
  return undefined;
}

type Verdict = 'again' | 'namespaceEnding' | 'kindGone' | { readonly refused: string };

/** What to do about a failed write. Throws what concerns the API server as a whole. */
function verdictOf(error: unknown, object: OwnedObject): Verdict {
  const failure = ofOne(error);
  const { status, message } = failure;
  if (isNamespaceEnding(failure)) return 'namespaceEnding';
  // An apply makes what is not there: the kind is not served.
  if (status === 404) return object.kind === 'PodMonitor' ? 'kindGone' : { refused: message };
  return status === 409 || status >= 500 || isAnothers(failure) ? 'again' : { refused: message };
}

/** What concerns one object alone. Throws what concerns the API server as a whole. */
function ofOne(error: unknown): ApiError {
  if (!(error instanceof ApiError) || error.status === 0 || error.status === 429) throw error;
  return error;
}

/** `ConfigMap live` */
export function titleOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata?.name}`;
}
