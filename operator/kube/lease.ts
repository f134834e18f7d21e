/**
 * Leader election by a Lease, as client-go does it: of several who want to lead, one does.
 *
 * Nobody compares clocks. A candidate takes the lease when it has seen the same record for the record's whole duration
 * on its own monotonic clock; a leader stops when it has not renewed for `renewMs`, which is shorter. So the old leader
 * has stopped before the new one starts, whatever wall clocks do. Times in the Lease are for people. Only a process that
 * is known to be dead is not waited for: the one that this pod ran before.
 */
import type { KubernetesObject } from '@kubernetes/client-node';
import { ApiError, isConflict, type KubeApi } from './api.ts';
import { pause } from './backoff.ts';
import { RESOURCES } from './resources.ts';

export interface LeaseOptions {
  readonly namespace: string;
  readonly name: string;
  /** Differs for each candidate. */
  readonly identity: string;
  /** Holders whose identity begins so are dead, and their lease is free. */
  readonly deadPrefix?: string | undefined;
  /** How long others wait for a leader that is silent; whole seconds; default 15000. */
  readonly leaseMs?: number;
  /** How long a leader goes on without having renewed; default 10000. */
  readonly renewMs?: number;
  /** Between attempts to acquire or to renew; default 2000. */
  readonly retryMs?: number;
  /** An attempt failed; the next one follows. */
  readonly onProblem?: (error: ApiError) => void;
}

interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export class LeaderElection {
  readonly #api: KubeApi;
  readonly #options: Required<Omit<LeaseOptions, 'onProblem' | 'deadPrefix'>>;
  readonly #deadPrefix: string | undefined;
  readonly #onProblem: (error: ApiError) => void;
  /** The Lease as last read or written, and when we first saw it so. */
  #observed: { readonly lease: Lease; readonly atMs: number } | undefined;

  /** @throws RangeError for times that would let two lead */
  constructor(api: KubeApi, options: LeaseOptions) {
    const { leaseMs = 15_000, renewMs = 10_000, retryMs = 2000, onProblem = () => {}, deadPrefix, ...rest } = options;
    if (!(retryMs < renewMs && renewMs < leaseMs)) {
      throw new RangeError(`lease: ${retryMs} (retryMs) < ${renewMs} (renewMs) < ${leaseMs} (leaseMs) must hold`);
    }
    this.#api = api;
    this.#options = { ...rest, leaseMs, renewMs, retryMs };
    this.#deadPrefix = deadPrefix;
    this.#onProblem = onProblem;
  }

  /** Who holds the lease, as far as we know; empty: nobody. */
  get holder(): string {
    return this.#observed?.lease.spec?.holderIdentity ?? '';
  }

  /**
   * Waits for the lease, then leads; again when it was lost. Resolves when the signal aborts or `lead` is done; the
   * lease is then released for the next one to take at once. Rejects with what `lead` throws.
   * @param lead its signal aborts when the lease is lost or `signal` aborts; it should then come to its end soon
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const startMs = performance.now();
      if (await this.#attempt(signal)) {
        if (await this.#lead(startMs, signal, lead)) return;
      } else {
        const retryMs = this.#options.retryMs * (1 + Math.random() * 0.2);
        // What runs out is taken then, not at the look after it.
        const leftMs = this.#leftMs();
        await pause(leftMs > 0 ? Math.min(retryMs, leftMs) : retryMs, signal);
      }
    }
  }

  /** False: the lease was lost, and `lead` has ended. */
  async #lead(startMs: number, signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const leading = new AbortController();
    const over = new AbortController();
    const stop = () => leading.abort(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const ended = (async () => lead(leading.signal))().finally(() => over.abort());
    // Renews until `lead` has ended, even while it is being stopped: what it still does, it does as the leader.
    const renewing = this.#renew(startMs, over.signal, (reason) => leading.abort(reason));
    try {
      await ended;
    } catch (error) {
      if (!leading.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      if (await renewing) await this.#release();
    }
    return !leading.signal.aborted || signal.aborted;
  }

  /** Resolves when there is no more to renew: true when the lease is still ours. */
  async #renew(startMs: number, over: AbortSignal, lost: (reason: Error) => void): Promise<boolean> {
    const { renewMs, retryMs, namespace, name } = this.#options;
    const deadline = new AbortController();
    const giveUp = () => {
      deadline.abort();
      lost(new Error(`the lease ${namespace}/${name} was lost`));
    };
    let timer = setTimeout(giveUp, startMs + renewMs - performance.now());
    const end = AbortSignal.any([over, deadline.signal]);
    for (;;) {
      await pause(retryMs, end);
      if (end.aborted) break;
      const attemptMs = performance.now();
      if (await this.#attempt(deadline.signal)) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, attemptMs + renewMs - performance.now());
      } else if (this.holder !== this.#options.identity) {
        giveUp();
      }
    }
    clearTimeout(timer);
    return !deadline.signal.aborted;
  }

  /** Acquires or renews. False: another holds it, or the API server did not let us. */
  async #attempt(signal: AbortSignal): Promise<boolean> {
    const controller = new AbortController();
    const abort = () => controller.abort(signal.reason);
    signal.addEventListener('abort', abort);
    const timer = setTimeout(abort, this.#options.renewMs / 2);
    try {
      signal.throwIfAborted();
      return await this.#acquireOrRenew(controller.signal);
    } catch (error) {
      if (signal.aborted || controller.signal.aborted) return false;
      if (!(error instanceof ApiError)) throw error;
      this.#onProblem(error);
      return false;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { namespace, name, identity, leaseMs } = this.#options;
    const now = microTime();
    const leaseDurationSeconds = Math.ceil(leaseMs / 1000);
    // What we have written ourselves needs no reading; if somebody else wrote since, the patch is a Conflict.
    if (this.holder !== identity)
      this.#observe(await this.#api.get<Lease>(RESOURCES.Lease, namespace, name, { signal }));
    const live = this.#observed?.lease;
    try {
      if (live === undefined) {
        const spec = {
          holderIdentity: identity,
          leaseDurationSeconds,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: 0,
        };
        const lease: Lease = {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { namespace, name },
          spec,
        };
        this.#observe(await this.#api.create(lease, { signal }));
        return true;
      }
      const mine = this.holder === identity;
      if (!mine && !this.#isFree()) return false;
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds,
        renewTime: now,
        ...(!mine && { acquireTime: now, leaseTransitions: (live.spec?.leaseTransitions ?? 0) + 1 }),
      };
      this.#observe(await this.#patch(live, spec, signal));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What cannot be found when the lease is to be made is its namespace.
      const isLeaseGone = error.status === 404 && live !== undefined;
      if (error.status !== 409 && !isLeaseGone) throw error;
      this.#observe(await this.#api.get<Lease>(RESOURCES.Lease, namespace, name, { signal }));
      return false;
    }
  }

  async #release(): Promise<void> {
    const live = this.#observed?.lease;
    if (live === undefined) return;
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() };
    try {
      this.#observe(await this.#patch(live, spec, AbortSignal.timeout(this.#options.renewMs / 2)));
    } catch (error) {
      // It runs out by itself.
      if (error instanceof ApiError && !isConflict(error)) this.#onProblem(error);
    }
  }

  /** Refused when somebody has written to the Lease since. */
  #patch(live: Lease, spec: Lease['spec'], signal: AbortSignal): Promise<Lease> {
    const { namespace, name } = this.#options;
    const patch = { metadata: { resourceVersion: live.metadata?.resourceVersion }, spec };
    return this.#api.mergePatch<Lease>(RESOURCES.Lease, namespace, name, patch, { signal });
  }

  #observe(lease: Lease | undefined): void {
    if (lease === undefined) this.#observed = undefined;
    else if (this.#observed?.lease.metadata?.resourceVersion !== lease.metadata?.resourceVersion) {
      this.#observed = { lease, atMs: performance.now() };
    }
  }

  /** Whether nobody leads by the lease that we know. */
  #isFree(): boolean {
    const isDead = this.#deadPrefix !== undefined && this.holder.startsWith(this.#deadPrefix);
    return this.holder === '' || isDead || this.#leftMs() <= 0;
  }

  /** How long the lease still runs, as far as we know. */
  #leftMs(): number {
    if (this.#observed === undefined) return 0;
    const { lease, atMs } = this.#observed;
    const seconds = lease.spec?.leaseDurationSeconds ?? this.#options.leaseMs / 1000;
    return atMs + seconds * 1000 - performance.now();
  }
}

/** RFC 3339 with microseconds, as Lease and Event want it. */
export function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
