/**
 * The operator brings a template of its own accord (another default image, pods rendered in another way) to a few
 * EdgeClusters at a time, with a pause between, and stops while one of them does not become ready. What a person changes
 * is never held back.
 *
 * Whose turn it is stands in annotations and conditions of the Deployments, so that another operator goes on where this
 * one stopped. Kept here are only those who wait, and turns that the informer does not show yet.
 */

import type { V1Deployment } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../api/types.ts';
import type { Owned, OwnedObject } from '../../render/metadata.ts';
import { rolloutOf } from '../edges/fleet.ts';
import type { Caches, ClusterKey } from '../observe/caches.ts';
import { templateChange, turnBegan, withFormerTemplate, withTemplate } from './template.ts';

/** How fast the operator brings templates of its own accord. */
export interface Pace {
  /** EdgeClusters at a time. */
  readonly clusters: number;
  /** From the end of one EdgeCluster's roll to the beginning of the next one's. */
  readonly pauseMs: number;
}

export interface TurnsOptions {
  readonly pace: Pace;
  readonly caches: Pick<Caches, 'ownedOfKind' | 'pods'>;
  /** The turn of this EdgeCluster may have come. */
  readonly wake: (key: ClusterKey) => void;
  /** It does not become ready, and others wait. Told once for each time that it happens. */
  readonly halted: (key: ClusterKey, message: string) => void;
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly nowMs?: () => number;
}

/** Why an EdgeCluster keeps its former template. */
export interface Wait {
  /** `halted`: another one has the new template and does not become ready. */
  readonly kind: 'waits' | 'halted';
  readonly message: string;
}

export interface Turn {
  /** With the Deployment as it may be now. */
  readonly objects: readonly OwnedObject[];
  readonly wait: Wait | undefined;
}

/** EdgeClusters, by where they are in an upgrade. */
export interface UpgradeCounts {
  readonly waiting: number;
  readonly rolling: number;
  readonly halted: number;
}

/** A turn that the informer has not shown after this long was not taken: the API server refused it. */
const unseenMs = 60_000;

interface Scene {
  /** They have the new template, and not all pods have it yet. */
  readonly rolling: ReadonlySet<ClusterKey>;
  /** Those of them that do not get on, and why. */
  readonly halted: ReadonlyMap<ClusterKey, string>;
  /** When the last one was done; milliseconds since the epoch. */
  readonly endedMs: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #nowMs: () => number;
  readonly #waiting = new Set<ClusterKey>();
  /** Turns that the informer does not show yet: since when. */
  readonly #begun = new Map<ClusterKey, string>();
  readonly #told = new Set<ClusterKey>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  get counts(): UpgradeCounts {
    const { rolling, halted } = this.#scene();
    return { waiting: this.#waiting.size, rolling: rolling.size, halted: halted.size };
  }

  /** Entries, to see that nothing is kept of what is gone. */
  get size(): number {
    return this.#waiting.size + this.#begun.size + this.#told.size;
  }

  /**
   * What of the wanted objects may be applied now: all of them, or the Deployment with the template that it has.
   * @param live the EdgeCluster's Deployment as it is now
   */
  take(key: ClusterKey, cluster: EdgeCluster, objects: readonly OwnedObject[], live: V1Deployment | undefined): Turn {
    const rendered = objects.find(isDeployment);
    if (rendered === undefined) {
      this.#waiting.delete(key);
      this.advance();
      return { objects, wait: undefined };
    }
    const change = templateChange(cluster, rendered, live);
    const replaced = (deployment: Owned<V1Deployment>, wait?: Wait): Turn => ({
      objects: objects.map((object) => (object === rendered ? deployment : object)),
      wait,
    });
    if (change !== 'own' || live === undefined) {
      this.#waiting.delete(key);
      if (change === 'asked') this.#begun.delete(key);
      // Its Deployment may be what others wait for.
      this.advance();
      return replaced(withTemplate(cluster, rendered, change === 'none' && live ? turnBegan(live) : undefined));
    }
    const wait = this.#ask(key);
    if (wait !== undefined) {
      this.#waiting.add(key);
      this.advance();
      return replaced(withFormerTemplate(cluster, rendered, live), wait);
    }
    this.#waiting.delete(key);
    const began = new Date(this.#nowMs()).toISOString();
    this.#begun.set(key, began);
    return replaced(withTemplate(cluster, rendered, began));
  }

  /** What would be applied in its turn. It takes none and waits for none: it is paused. */
  stand(
    key: ClusterKey,
    cluster: EdgeCluster,
    objects: readonly OwnedObject[],
    live: V1Deployment | undefined,
  ): readonly OwnedObject[] {
    this.forget(key);
    const rendered = objects.find(isDeployment);
    if (rendered === undefined) return objects;
    const isSame = templateChange(cluster, rendered, live) === 'none';
    const deployment = withTemplate(cluster, rendered, isSame && live ? turnBegan(live) : undefined);
    return objects.map((object) => (object === rendered ? deployment : object));
  }

  /** The EdgeCluster is gone. */
  forget(key: ClusterKey): void {
    this.#waiting.delete(key);
    this.#begun.delete(key);
    this.#told.delete(key);
    this.advance();
  }

  /** Wakes those who wait, as many as may begin now. */
  advance(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    const scene = this.#scene();
    this.#tell(scene);
    const free = this.#options.pace.clusters - scene.rolling.size;
    if (scene.halted.size > 0) return;
    // What brings us on otherwise is a change of a Deployment.
    const waitMs = free > 0 ? this.#pauseMs(scene) : this.#begun.size > 0 ? unseenMs : undefined;
    if (waitMs === undefined || waitMs > 0) {
      if (waitMs !== undefined) this.#timer = setTimeout(() => this.advance(), waitMs).unref();
      return;
    }
    for (const key of [...this.#waiting].sort().slice(0, free)) this.#options.wake(key);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  /** Undefined: it may begin. */
  #ask(key: ClusterKey): Wait | undefined {
    const scene = this.#scene();
    // It has its turn, and what it was given is out of date: this may well be the remedy.
    if (scene.rolling.has(key)) return undefined;
    const { clusters } = this.#options.pace;
    const [halted] = scene.halted;
    if (halted !== undefined) {
      const [other, why] = halted;
      return {
        kind: 'halted',
        message: `the operator stopped bringing its new template of pods to EdgeClusters: ${other} got it and does not become ready (${why}); this one keeps its former template until ${other} is ready`,
      };
    }
    if (scene.rolling.size < clusters && this.#pauseMs(scene) <= 0) return undefined;
    const pace = clusters === 1 ? 'one EdgeCluster' : `${clusters} EdgeClusters`;
    return {
      kind: 'waits',
      message: `the operator brings its new template of pods to ${pace} at a time; this one keeps its former template until its turn, or until spec.pods, spec.listeners or spec.extraDirectives change`,
    };
  }

  #pauseMs({ endedMs }: Scene): number {
    return endedMs + this.#options.pace.pauseMs - this.#nowMs();
  }

  #scene(): Scene {
    const rolling = new Set<ClusterKey>();
    const halted = new Map<ClusterKey, string>();
    let endedMs = Number.NEGATIVE_INFINITY;
    for (const [key, deployment] of this.#options.caches.ownedOfKind<V1Deployment>('Deployment')) {
      const began = turnBegan(deployment);
      if (began === undefined) continue;
      if (began >= (this.#begun.get(key) ?? '')) this.#begun.delete(key);
      const completedMs = completedAtMs(deployment);
      if (completedMs !== undefined) {
        endedMs = Math.max(endedMs, completedMs, Date.parse(began));
        continue;
      }
      rolling.add(key);
      const why = this.#whyHalted(key, deployment);
      if (why !== undefined) halted.set(key, why);
    }
    for (const [key, began] of this.#begun) {
      if (Date.parse(began) + unseenMs < this.#nowMs()) this.#begun.delete(key);
      else rolling.add(key);
    }
    return { rolling, halted, endedMs };
  }

  #whyHalted(key: ClusterKey, deployment: V1Deployment): string | undefined {
    if (rolloutOf(deployment).state === 'stuck') return 'its Deployment makes no progress';
    const failing = this.#options.caches
      .pods(key)
      .find(({ ready, ending, failure }) => !ready && !ending && failure !== undefined && !isWaitForNode(failure));
    return failing && `pod ${failing.metadata.name}: ${failing.failure?.reason}`;
  }

  #tell({ halted }: Scene): void {
    for (const key of this.#told) if (!halted.has(key)) this.#told.delete(key);
    for (const [key, why] of halted) {
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      const others = this.#waiting.size === 1 ? '1 other EdgeCluster waits' : `${this.#waiting.size} others wait`;
      this.#options.halted(
        key,
        `with the operator's new template of pods it does not become ready (${why}); ${others}`,
      );
    }
  }
}

function isDeployment(object: OwnedObject): object is Owned<V1Deployment> {
  return object.kind === 'Deployment';
}

/** Nodes for it may be on their way. */
function isWaitForNode({ reason }: { readonly reason: string }): boolean {
  return reason === 'Unschedulable';
}

/** When all pods had the present template and were available; undefined: not yet. */
function completedAtMs({ metadata, status }: V1Deployment): number | undefined {
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return undefined;
  const progress = status?.conditions?.find(({ type }) => type === 'Progressing');
  if (progress?.status !== 'True' || progress.reason !== 'NewReplicaSetAvailable') return undefined;
  const atMs = new Date(progress.lastUpdateTime ?? Number.NaN).getTime();
  return Number.isNaN(atMs) ? Number.NEGATIVE_INFINITY : atMs;
}
