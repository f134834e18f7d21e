/**
 * Asks running edges how they are: `GET /api/v1/edge` of each pod, spread over the interval, few at a time. Nothing
 * runs while there are no pods.
 *
 * A new credential reaches an edge up to minutes after it was made, and for some time both are valid. So an edge is
 * asked with the one that it took last, as long as that is valid: edges count those who come with a wrong one.
 */
import { Agent } from 'node:http';
import { type ApiCredential, basicAuthorization } from '../../render/credential.ts';
import { type Authorization, askEdge, askToMove, type Moving, type Question } from './ask.ts';
import { changeOf, type EdgeChange } from './edge-change.ts';
import type { EdgePod } from './edge-pods.ts';
import { CredentialRefusedError, type EdgeState, isBehind, lastReport } from './report.ts';

export interface EdgePollerOptions {
  /** What the edges of this cluster say has changed. */
  readonly changed: (cluster: string, change: EdgeChange) => void;
  /** Between two questions to an edge, where there are few; default 10 s. */
  readonly intervalMs?: number;
  /** To all edges together: of many each is asked less often. Default 170, so 5,000 edges are asked every 30 s. */
  readonly questionsPerSecond?: number;
  /** The same while the edge does not run the configuration that it should, or has not answered; default 1 s. */
  readonly soonMs?: number;
  /** How long after a change `soonMs` holds: an edge that has not followed by then is asked as usual. Default 2 min. */
  readonly soonForMs?: number;
  /** What an edge said so many intervals ago counts no more; default 2. */
  readonly pollsUntilStale?: number;
  /** For an answer; default 2 s. */
  readonly timeoutMs?: number;
  /** Questions under way at once; default 32. */
  readonly concurrency?: number;
}

/** Questions in a row without an answer that make an edge silent: one may be an accident. */
const missesUntilSilent = 2;

interface Cluster {
  readonly name: string;
  configHash: string | undefined;
  /** The newest first. */
  authorizations: readonly Authorization[];
  readonly edges: Map<string, Entry>;
}

interface Entry {
  readonly cluster: Cluster;
  pod: EdgePod;
  state: EdgeState;
  misses: number;
  /** Local monotonic time of its last answer. */
  answeredAtMs: number;
  /** The one that it took last. */
  taken: Authorization;
  timer: NodeJS.Timeout | undefined;
  /** Local monotonic time at which the timer fires. */
  dueMs: number;
  /** Local monotonic time until which it is asked sooner. */
  soonUntilMs: number;
  /** Aborts the question under way; undefined between questions. */
  asking: AbortController | undefined;
  /** Settled when the question under way, or the next, is over; undefined when nobody waits for that. */
  asked: PromiseWithResolvers<void> | undefined;
}

export class EdgePoller {
  readonly #options: Required<EdgePollerOptions>;
  /** A connection for each question: an edge ends an idle one after 10 s, and thousands of them would take memory. */
  readonly #agent = new Agent({ keepAlive: false });
  readonly #clusters = new Map<string, Cluster>();
  readonly #entries = new Map<string, Entry>();
  /** Due, but too many are under way. */
  readonly #waiting = new Set<Entry>();
  #underWay = 0;

  constructor(options: EdgePollerOptions) {
    this.#options = {
      intervalMs: 10_000,
      questionsPerSecond: 170,
      pollsUntilStale: 2,
      soonMs: 1000,
      soonForMs: 120_000,
      timeoutMs: 2000,
      concurrency: 32,
      ...options,
    };
  }

  /**
   * Makes known the running edges of a cluster, all of them, and the hash of the configuration that they are to run;
   * others are forgotten. Cheap when nothing has changed. New edges, and those that have become ready, are asked at once.
   * @param credentials the newest first; none: the edges are asked without
   */
  follow(
    clusterName: string,
    pods: readonly EdgePod[],
    configHash: string | undefined,
    credentials: readonly ApiCredential[] = [],
  ): void {
    const authorizations = credentials.length === 0 ? [undefined] : credentials.map(basicAuthorization);
    let cluster = this.#clusters.get(clusterName);
    if (cluster === undefined) {
      if (pods.length === 0) return;
      cluster = { name: clusterName, configHash, authorizations, edges: new Map() };
      this.#clusters.set(clusterName, cluster);
    }
    cluster.authorizations = authorizations;
    const uids = new Set(pods.map(({ uid }) => uid));
    const before = servingOf(cluster);
    for (const entry of cluster.edges.values()) if (!uids.has(entry.pod.uid)) this.#forget(entry);
    for (const pod of pods) this.#keep(cluster, pod);
    // Clients of an edge that has gone are at the others in a moment.
    if (before !== servingOf(cluster)) for (const entry of cluster.edges.values()) this.#askSoon(entry);
    if (cluster.configHash !== configHash) {
      cluster.configHash = configHash;
      for (const entry of cluster.edges.values()) this.#hurry(entry);
    }
    if (pods.length === 0) this.#clusters.delete(clusterName);
  }

  /** Between two questions to an edge now. */
  get intervalMs(): number {
    const { intervalMs, questionsPerSecond } = this.#options;
    return Math.max(intervalMs, (this.#entries.size / questionsPerSecond) * 1000);
  }

  /** Asks all edges of a cluster now; resolves when each has answered, or has not in time. */
  async askNow(clusterName: string): Promise<void> {
    const entries = [...(this.#clusters.get(clusterName)?.edges.values() ?? [])];
    const asked = entries.map((entry) => {
      clearTimeout(entry.timer);
      entry.timer = undefined;
      if (entry.asking === undefined) this.#waiting.add(entry);
      entry.asked ??= Promise.withResolvers();
      return entry.asked.promise;
    });
    this.#next();
    await Promise.all(asked);
  }

  /** Has the edge in the pod with this uid ask some players to connect again; how many. Rejects when it does not. */
  async move(uid: string, moving: Moving, signal: AbortSignal): Promise<number> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) throw new Error('it is not there any more');
    return askToMove(this.#question(entry), moving, signal);
  }

  /** What is known of the edge in the pod with this uid. */
  readonly edge = (uid: string): EdgeState => this.#entries.get(uid)?.state ?? { state: 'unknown' };

  /** Forgets all edges and closes all connections. */
  close(): void {
    for (const entry of this.#entries.values()) this.#forget(entry);
    this.#clusters.clear();
    this.#agent.destroy();
  }

  #keep(cluster: Cluster, pod: EdgePod): void {
    const known = cluster.edges.get(pod.uid);
    if (known !== undefined) {
      const isNew = !known.pod.ready && pod.ready && known.state.state === 'silent';
      known.pod = pod;
      // It was silent because it had not started yet.
      if (isNew) {
        known.state = { state: 'unknown' };
        known.misses = 0;
        this.#schedule(known, 0);
      }
      return;
    }
    const entry: Entry = {
      cluster,
      pod,
      state: { state: 'unknown' },
      misses: 0,
      answeredAtMs: Number.NEGATIVE_INFINITY,
      taken: undefined,
      timer: undefined,
      dueMs: 0,
      soonUntilMs: performance.now() + this.#options.soonForMs,
      asking: undefined,
      asked: undefined,
    };
    cluster.edges.set(pod.uid, entry);
    this.#entries.set(pod.uid, entry);
    this.#schedule(entry, 0);
  }

  #forget(entry: Entry): void {
    clearTimeout(entry.timer);
    this.#waiting.delete(entry);
    entry.cluster.edges.delete(entry.pod.uid);
    this.#entries.delete(entry.pod.uid);
    entry.asking?.abort();
    entry.asked?.resolve();
  }

  /** The edge is to run another configuration. */
  #hurry(entry: Entry): void {
    entry.soonUntilMs = performance.now() + this.#options.soonForMs;
    this.#askSoon(entry);
  }

  /** Once. */
  #askSoon(entry: Entry): void {
    const { soonMs } = this.#options;
    if (entry.timer !== undefined && entry.dueMs > performance.now() + soonMs) this.#schedule(entry, soonMs);
  }

  /** Does nothing while it is being asked: the next question follows from the answer. */
  #schedule(entry: Entry, delayMs: number): void {
    if (entry.asking !== undefined || this.#waiting.has(entry)) return;
    clearTimeout(entry.timer);
    entry.dueMs = performance.now() + delayMs;
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.#waiting.add(entry);
      this.#next();
    }, delayMs);
  }

  #next(): void {
    for (const entry of this.#waiting) {
      if (this.#underWay >= this.#options.concurrency) return;
      this.#waiting.delete(entry);
      this.#poll(entry);
    }
  }

  #poll(entry: Entry): void {
    const asking = new AbortController();
    const isFirst = entry.state.state === 'unknown' && entry.misses === 0;
    entry.asking = asking;
    this.#underWay++;
    askEdge(this.#question(entry), asking.signal)
      .then(
        ({ report, authorization }) => {
          entry.taken = authorization;
          entry.answeredAtMs = performance.now();
          this.#answered(entry, { state: 'answering', report });
        },
        (error: Error) => this.#missed(entry, error),
      )
      .finally(() => {
        entry.asking = undefined;
        entry.asked?.resolve();
        entry.asked = undefined;
        this.#underWay--;
        if (this.#entries.get(entry.pod.uid) === entry) this.#schedule(entry, this.#delayMs(entry, isFirst));
        this.#next();
      });
  }

  #question({ pod: { ip: host, apiPort: port }, taken, cluster }: Entry): Question {
    const { timeoutMs } = this.#options;
    return { host, port, authorizations: withFirst(taken, cluster.authorizations), agent: this.#agent, timeoutMs };
  }

  #delayMs({ state, misses, cluster, soonUntilMs }: Entry, isFirst: boolean): number {
    const { soonMs } = this.#options;
    const isComing = isBehind(state, cluster.configHash) && performance.now() < soonUntilMs;
    if (isComing || (misses > 0 && misses < missesUntilSilent)) return soonMs;
    // Edges that were found together are not asked together ever after.
    return this.intervalMs * (isFirst ? Math.random() : 0.9 + Math.random() / 5);
  }

  #missed(entry: Entry, error: Error): void {
    entry.misses++;
    if (entry.misses < missesUntilSilent) return;
    const cause = error instanceof CredentialRefusedError ? 'refused' : 'noAnswer';
    const isOld = performance.now() - entry.answeredAtMs > this.#options.pollsUntilStale * this.intervalMs;
    const last = isOld ? undefined : lastReport(entry.state);
    this.#answered(entry, { state: 'silent', cause, why: error.message, last });
  }

  #answered(entry: Entry, state: EdgeState): void {
    // Forgotten while it was asked.
    if (this.#entries.get(entry.pod.uid) !== entry) return;
    const before = entry.state;
    entry.state = state;
    if (state.state === 'answering') entry.misses = 0;
    const change = changeOf(before, state);
    if (change !== undefined) this.#options.changed(entry.cluster.name, change);
  }
}

/** Which edges take clients, as text to compare. */
function servingOf({ edges }: Cluster): string {
  const serving = [...edges.values()].filter(({ pod }) => pod.ready).map(({ pod }) => pod.uid);
  return serving.sort().join();
}

/** The list with this one first, if it is in there. */
function withFirst<T>(first: T, list: readonly T[]): readonly T[] {
  return list.includes(first) ? [first, ...list.filter((one) => one !== first)] : list;
}
