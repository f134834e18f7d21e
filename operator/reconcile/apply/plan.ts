/**
 * What to write so that the objects of an EdgeCluster are as wanted: nothing where they are. Pure: from what is wanted,
 * what is there, and what is remembered of our own writes.
 *
 * An object is settled when all that we want is in it and its annotation says that nothing else of ours is (a field
 * that we no longer want must be applied away).
 */

import { createHash } from 'node:crypto';
import type { KubernetesObject } from '@kubernetes/client-node';
import { APPLIED_HASH } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import type { OwnedObject } from '../../render/metadata.ts';
import { holderOf, idOf, isOwnedBy, standingOf } from '../observe/ownership.ts';
import { objectDifferences } from './compare.ts';
import { CONTESTED_PUT_BACKS, type Obstacle, type OwnedMemory } from './owned-memory.ts';

export interface PlanInput {
  readonly cluster: EdgeCluster;
  /** In the order to apply them. */
  readonly wanted: readonly OwnedObject[];
  /** Those with the EdgeCluster's label, of kinds that we make. */
  readonly live: readonly KubernetesObject[];
  readonly memory: OwnedMemory;
  /** Monotonic. */
  readonly nowMs: number;
}

export interface Plan {
  readonly apply: readonly Application[];
  readonly remove: readonly KubernetesObject[];
  /** Wanted, and not to be had; not tried now. */
  readonly blocked: readonly Blocked[];
  /** Milliseconds until something that pauses now is due. */
  readonly dueInMs: number | undefined;
}

export interface Application {
  readonly id: string;
  readonly hash: string;
  readonly wanted: OwnedObject;
  /** To be sent: what is wanted, with its hash, and what makes the API server refuse if another took its place. */
  readonly object: OwnedObject;
  /** Undefined: to be created. */
  readonly live: KubernetesObject | undefined;
  /** `put back`: we had applied the same before, and somebody changed or deleted it. */
  readonly why: 'create' | 'update' | 'put back';
  /** Fields that differ, for the log. */
  readonly fields: readonly string[];
  /** Its name was taken: look first whether it still is. */
  readonly wasTaken: boolean;
}

export interface Blocked {
  readonly object: OwnedObject;
  readonly obstacle: Obstacle;
}

export interface Contested {
  readonly object: OwnedObject;
  /** Who did it last. */
  readonly by: string;
  readonly putBacks: number;
  /** Milliseconds until it is forgotten, if nobody does it again. */
  readonly forgottenInMs: number;
}

/**
 * No object has this resourceVersion: what exists is a Conflict, what doesn't is created. So a create can never take
 * over what our informers, which see objects with our label only, do not show.
 */
export const CREATE_ONLY = '1';

export function plan({ cluster, wanted, live, memory, nowMs }: PlanInput): Plan {
  const byId = new Map(live.map((object) => [idOf(object), object]));
  const apply: Application[] = [];
  const blocked: Blocked[] = [];
  let dueAtMs = Number.POSITIVE_INFINITY;
  const later = (atMs: number): void => {
    dueAtMs = Math.min(dueAtMs, atMs);
  };

  for (const object of wanted) {
    const id = idOf(object);
    const hash = hashOf(object);
    const present = memory.newest(id, byId.get(id));
    const standing = present === undefined ? 'ours' : standingOf(present, cluster);
    if (present !== undefined && standing === 'foreign') {
      blocked.push({ object, obstacle: { kind: 'taken', holder: holderOf(present) } });
      continue;
    }
    // Its end is an event that brings us back.
    if (standing === 'leftover' || present?.metadata?.deletionTimestamp !== undefined) continue;

    const step = stepOf(object, hash, present, memory);
    if (step === undefined) continue;
    const retry = memory.retry(id, hash);
    if (retry !== undefined && retry.retryAtMs > nowMs) {
      blocked.push({ object, obstacle: retry.obstacle });
      later(retry.retryAtMs);
      continue;
    }
    const putBackAtMs = step.why === 'put back' ? memory.putBackAtMs(id, nowMs) : nowMs;
    if (putBackAtMs > nowMs) later(putBackAtMs);
    else apply.push({ ...step, wasTaken: retry?.obstacle.kind === 'taken' });
  }

  const ids = new Set(wanted.map(idOf));
  const remove = live.filter(
    (object) =>
      !ids.has(idOf(object)) && isOwnedBy(object, cluster) && object.metadata?.deletionTimestamp === undefined,
  );
  const dueInMs = dueAtMs === Number.POSITIVE_INFINITY ? undefined : Math.max(1, dueAtMs - nowMs);
  return { apply, remove, blocked, dueInMs };
}

/** What others change again and again. */
export function contested(wanted: readonly OwnedObject[], memory: OwnedMemory, nowMs: number): Contested[] {
  return wanted.flatMap((object): Contested[] => {
    const id = idOf(object);
    const putBacks = memory.putBacks(id, nowMs);
    if (putBacks < CONTESTED_PUT_BACKS) return [];
    return [{ object, by: memory.changedBy(id), putBacks, forgottenInMs: memory.forgottenAtMs(id) - nowMs }];
  });
}

/** Undefined: settled. */
function stepOf(
  object: OwnedObject,
  hash: string,
  live: KubernetesObject | undefined,
  memory: OwnedMemory,
): Omit<Application, 'wasTaken'> | undefined {
  const id = idOf(object);
  if (live === undefined) {
    const why = memory.hasApplied(id, hash) ? 'put back' : 'create';
    return {
      id,
      hash,
      wanted: object,
      object: stamped(object, hash, { resourceVersion: CREATE_ONLY }),
      live,
      why,
      fields: [],
    };
  }
  const found = objectDifferences(object, live);
  const unchanged = live.metadata?.annotations?.[APPLIED_HASH] === hash;
  if (unchanged && (found.length === 0 || memory.accepts(id, hash, found))) return undefined;
  const { uid } = live.metadata ?? {};
  return {
    id,
    hash,
    wanted: object,
    object: stamped(object, hash, uid === undefined ? {} : { uid }),
    live,
    why: unchanged || memory.hasApplied(id, hash) ? 'put back' : 'update',
    fields: found.map(({ path }) => path),
  };
}

/** Of objects that are wanted, as long as they are. */
const hashes = new WeakMap<OwnedObject, string>();

/** First 16 hex digits of the SHA-256. */
function hashOf(object: OwnedObject): string {
  let hash = hashes.get(object);
  if (hash === undefined) {
    hash = createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 16);
    hashes.set(object, hash);
  }
  return hash;
}

function stamped(
  object: OwnedObject,
  hash: string,
  precondition: { uid?: string; resourceVersion?: string },
): OwnedObject {
  const annotations = { ...object.metadata.annotations, [APPLIED_HASH]: hash };
  return { ...object, metadata: { ...object.metadata, annotations, ...precondition } };
}
