/**
 * What is remembered of the objects of one EdgeCluster, to leave settled ones alone, to see our own writes before the
 * informers show them, and to pause where somebody else or the API server will not have what we want. All of it may be
 * lost at any time: it saves writes and is no state.
 *
 * Times are monotonic milliseconds.
 */

import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Difference } from './compare.ts';
import { OwnWrite } from './own-write.ts';

/** Why an object could not be applied. */
export type Obstacle =
  /** Another has an object of that name. */
  | { readonly kind: 'taken'; readonly holder: string }
  /** The API server will not have it: rights, quota, admission, a field that cannot change. */
  | { readonly kind: 'refused'; readonly wantedHash: string; readonly message: string };

/** How an object was applied. */
export interface Applied {
  readonly answer: KubernetesObject;
  /** Whether the object is another one than before. */
  readonly changed: boolean;
  /** Differences of the answer from what was applied. */
  readonly remaining: readonly Difference[];
  /** Given: somebody had changed it, in words. */
  readonly putBackFrom?: string | undefined;
}

/** What stood in the way of a write, and when the write is tried again. */
interface Retry {
  readonly obstacle: Obstacle;
  readonly attempts: number;
  readonly retryAtMs: number;
}

interface Remembered {
  /** Of what we applied last. */
  wantedHash: string;
  readonly own: OwnWrite<KubernetesObject>;
  /** Differences that were there right after our write: the API server writes these fields in its own way. */
  accepted: string;
  /** How often what others changed was put back, and when last. */
  putBacks: number;
  putBackAtMs: number;
  /** Who had changed it. */
  by: string;
  retry: Retry | undefined;
}

/** Put back at once, then after pauses that double; forgotten when nothing happened for so long. */
export const putBackMs = { first: 1000, greatest: 300_000, forgotten: 600_000 } as const;
/** From so many times on it is a fight. */
export const CONTESTED_PUT_BACKS = 3;
const retryMs = { taken: { first: 30_000, greatest: 600_000 }, refused: { first: 10_000, greatest: 300_000 } } as const;

export class OwnedMemory {
  readonly #objects = new Map<string, Remembered>();
  /** Versions of the last lists, by kind: `apps/Deployment`. */
  readonly #listed = new Map<string, string>();
  #isOvertaken = false;

  /** Objects remembered. */
  get size(): number {
    return this.#objects.size;
  }

  /** The object as it is now: of the cache's and our own last write's the newer. */
  newest(id: string, cached: KubernetesObject | undefined): KubernetesObject | undefined {
    const own = this.#objects.get(id)?.own;
    return own === undefined ? cached : own.newest(cached);
  }

  /** Whether these differences are how the API server writes what we applied. */
  accepts(id: string, wantedHash: string, found: readonly Difference[]): boolean {
    const remembered = this.#objects.get(id);
    return remembered?.wantedHash === wantedHash && remembered.accepted === textOf(found);
  }

  /** Whether this very content was applied before: a difference is then somebody else's doing. */
  hasApplied(id: string, wantedHash: string): boolean {
    return this.#objects.get(id)?.wantedHash === wantedHash;
  }

  /** When what somebody changed may be put back. */
  putBackAtMs(id: string, nowMs: number): number {
    const puts = this.putBacks(id, nowMs);
    const remembered = this.#objects.get(id);
    if (puts === 0 || remembered === undefined) return nowMs;
    return remembered.putBackAtMs + Math.min(putBackMs.greatest, putBackMs.first * 2 ** (puts - 1));
  }

  /** How often it was put back lately. */
  putBacks(id: string, nowMs: number): number {
    const remembered = this.#objects.get(id);
    if (remembered === undefined || nowMs - remembered.putBackAtMs >= putBackMs.forgotten) return 0;
    return remembered.putBacks;
  }

  /** Who had changed what was put back last. */
  changedBy(id: string): string {
    return this.#objects.get(id)?.by ?? '';
  }

  /** When `putBacks` will be forgotten. */
  forgottenAtMs(id: string): number {
    return (this.#objects.get(id)?.putBackAtMs ?? 0) + putBackMs.forgotten;
  }

  /** What stands in the way of this content, and when to try again; what the API server refused may be fine when changed. */
  retry(id: string, wantedHash: string): Retry | undefined {
    const retry = this.#objects.get(id)?.retry;
    if (retry?.obstacle.kind === 'refused' && retry.obstacle.wantedHash !== wantedHash) return undefined;
    return retry;
  }

  applied(id: string, wantedHash: string, result: Applied, nowMs: number): void {
    const { answer, changed, remaining, putBackFrom } = result;
    const before = this.#objects.get(id) ?? unknown();
    const putBacks = this.putBacks(id, nowMs);
    // What changes nothing has an answer as old as what the informer shows.
    if (!before.own.answered(answer, this.#listed.get(kindOf(id))) && changed) this.#isOvertaken = true;
    this.#objects.set(id, {
      wantedHash,
      own: before.own,
      accepted: textOf(remaining),
      ...(putBackFrom === undefined
        ? { putBacks, putBackAtMs: before.putBackAtMs, by: before.by }
        : { putBacks: putBacks + 1, putBackAtMs: nowMs, by: putBackFrom }),
      retry: undefined,
    });
  }

  /** The object as another write of ours left it. */
  written(id: string, answer: KubernetesObject): void {
    const before = this.#objects.get(id) ?? unknown();
    if (!before.own.answered(answer, this.#listed.get(kindOf(id)))) this.#isOvertaken = true;
    this.#objects.set(id, before);
  }

  failed(id: string, obstacle: Obstacle, nowMs: number): void {
    const remembered = this.#objects.get(id) ?? unknown();
    const same = remembered.retry?.obstacle.kind === obstacle.kind;
    const attempts = same ? (remembered.retry?.attempts ?? 0) + 1 : 1;
    const { first, greatest } = retryMs[obstacle.kind];
    const retryAtMs = nowMs + Math.min(greatest, first * 2 ** (attempts - 1));
    this.#objects.set(id, { ...remembered, retry: { obstacle, attempts, retryAtMs } });
  }

  /**
   * The informer shows this. True: it is our own write, which nobody need look at again.
   * @param previous what it showed before: after a pause of the watch, our write may have come on top of a new status
   */
  seen(id: string, object: KubernetesObject, previous: KubernetesObject | undefined): boolean {
    const isOwn = this.#objects.get(id)?.own.seen(object) === true;
    return isOwn && (previous === undefined || isDeepStrictEqual(statusOf(previous), statusOf(object)));
  }

  /** The object was deleted. Whether that is a fight stays known. @param uid undefined: nobody knows */
  deleted(id: string, uid: string | undefined): void {
    this.#objects.get(id)?.own.deleted(uid);
  }

  /**
   * All objects of a kind were listed, and the informer has shown them. True: one that we wrote is not among them. It
   * was deleted before any watch could show it.
   * @param kind `apps/Deployment`
   */
  listed(kind: string, version: string): boolean {
    this.#listed.set(kind, version);
    let isMissing = false;
    for (const [id, { own }] of this.#objects) if (kindOf(id) === kind && own.listed(version)) isMissing = true;
    return isMissing;
  }

  /** Whether the informer was ahead of the answer to a write since this was asked last: what there is must be looked at again. */
  takeOvertaken(): boolean {
    const isOvertaken = this.#isOvertaken;
    this.#isOvertaken = false;
    return isOvertaken;
  }

  /** Forgets objects that are neither wanted nor there. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#objects.keys()) if (!ids.has(id)) this.#objects.delete(id);
  }
}

function unknown(): Remembered {
  return { wantedHash: '', own: new OwnWrite(), accepted: '', putBacks: 0, putBackAtMs: 0, by: '', retry: undefined };
}

/** Of `apps/Deployment/live`. */
function kindOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/'));
}

/** As it comes: many kinds have none. */
function statusOf(object: KubernetesObject & { readonly status?: unknown }): unknown {
  return object.status;
}

function textOf(found: readonly Difference[]): string {
  return found.length === 0 ? '' : JSON.stringify(found);
}
