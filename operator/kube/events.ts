/**
 * Events that `kubectl describe` shows. They are for people, and never in the way: what repeats is counted in a series
 * and written at most once a minute, an object has so many in stock, and what cannot be written is dropped.
 */
import { randomUUID } from 'node:crypto';
import type { KubernetesObject } from '@kubernetes/client-node';
import { ApiError, isNotFound, type KubeApi } from './api.ts';
import { microTime } from './lease.ts';
import { RESOURCES } from './resources.ts';

export interface EventRecorderOptions {
  /** Who reports: `edgecluster.io/operator`. */
  readonly component: string;
  /** Which of them: the pod's name. */
  readonly instance: string;
  /** Events of one object in stock; default 20. */
  readonly burst?: number;
  /** For so long an object gets one more; default a minute. */
  readonly refillMs?: number;
  /** Between two writes of a series; default a minute. */
  readonly seriesMs?: number;
  /** How long `close` tries to write what is waiting; default 3 s. */
  readonly closeMs?: number;
  /** An event could not be written and is dropped. */
  readonly onProblem?: (error: ApiError) => void;
}

interface Series {
  readonly name: string;
  readonly namespace: string;
  readonly event: KubernetesObject;
  count: number;
  lastObserved: string;
  writtenMs: number;
  timer: NodeJS.Timeout | undefined;
}

const QUEUE = 500;
const REMEMBERED = 2000;
/** The API's limits, in bytes. */
const NOTE = 1024;
const SHORT = 128;

export class EventRecorder {
  readonly #api: KubeApi;
  readonly #options: Required<EventRecorderOptions>;
  /** By what happened to which object, the latest last. */
  readonly #series = new Map<string, Series>();
  readonly #stock = new Map<string, { tokens: number; atMs: number }>();
  #queued = 0;
  #queue: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  #closed = false;

  constructor(api: KubeApi, options: EventRecorderOptions) {
    this.#api = api;
    this.#options = { burst: 20, refillMs: 60_000, seriesMs: 60_000, closeMs: 3000, onProblem: () => {}, ...options };
  }

  /**
   * Returns at once and never throws.
   * @param reason one word in CamelCase
   * @param action what was done or tried, likewise; default the reason
   */
  record(
    object: KubernetesObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    action: string = reason,
  ): void {
    if (this.#closed) return;
    const { uid = '', name = '' } = object.metadata ?? {};
    const note = cut(message, NOTE);
    const key = [object.kind, object.metadata?.namespace, name, uid, type, reason, action, note].join('\n');
    const known = this.#series.get(key);
    if (known !== undefined) {
      remember(this.#series, key, known);
      this.#repeat(known);
      return;
    }
    if (this.#queued >= QUEUE || !this.#takeToken(uid)) return;
    const series = this.#newSeries(object, type, reason, note, action);
    remember(this.#series, key, series);
    this.#enqueue(() => this.#api.create(series.event, { signal: this.#stop.signal }));
  }

  /** Writes what is waiting, as far as that takes seconds, and no more after that. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const series of this.#series.values()) {
      if (series.timer === undefined) continue;
      clearTimeout(series.timer);
      this.#enqueue(() => this.#writeSeries(series));
    }
    const timer = setTimeout(() => this.#stop.abort(), this.#options.closeMs);
    await this.#queue;
    clearTimeout(timer);
  }

  #newSeries(object: KubernetesObject, type: string, reason: string, note: string, action: string): Series {
    const { name = '', uid, resourceVersion } = object.metadata ?? {};
    const namespace = object.metadata?.namespace ?? 'default';
    const regarding = {
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace: object.metadata?.namespace,
      name,
      uid,
      resourceVersion,
    };
    const time = microTime();
    const eventName = `${name.slice(0, 200)}.${randomUUID().replaceAll('-', '').slice(0, 16)}`;
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      eventTime: time,
      type,
      reason: cut(reason, SHORT),
      action: cut(action, SHORT),
      note,
      regarding,
      reportingController: this.#options.component,
      reportingInstance: cut(this.#options.instance, SHORT),
    };
    return {
      name: eventName,
      namespace,
      event,
      count: 1,
      lastObserved: time,
      writtenMs: performance.now(),
      timer: undefined,
    };
  }

  #repeat(series: Series): void {
    series.count++;
    series.lastObserved = microTime();
    if (series.timer !== undefined) return;
    const waitMs = Math.max(0, series.writtenMs + this.#options.seriesMs - performance.now());
    series.timer = setTimeout(() => {
      series.timer = undefined;
      this.#enqueue(() => this.#writeSeries(series));
    }, waitMs).unref();
  }

  async #writeSeries(series: Series): Promise<void> {
    series.writtenMs = performance.now();
    const { signal } = this.#stop;
    const counted = { series: { count: series.count, lastObservedTime: series.lastObserved } };
    try {
      await this.#api.mergePatch(RESOURCES.Event, series.namespace, series.name, counted, { signal });
    } catch (error) {
      // The API server forgets events after an hour.
      if (!isNotFound(error)) throw error;
      await this.#api.create(Object.assign({}, series.event, counted), { signal });
    }
  }

  /** One after the other. */
  #enqueue(write: () => Promise<unknown>): void {
    this.#queued++;
    this.#queue = this.#queue.then(write).then(
      () => {
        this.#queued--;
      },
      (error: unknown) => {
        this.#queued--;
        if (error instanceof ApiError) this.#options.onProblem(error);
      },
    );
  }

  #takeToken(uid: string): boolean {
    const { burst, refillMs } = this.#options;
    const now = performance.now();
    const stock = this.#stock.get(uid) ?? { tokens: burst, atMs: now };
    stock.tokens = Math.min(burst, stock.tokens + (now - stock.atMs) / refillMs);
    stock.atMs = now;
    remember(this.#stock, uid, stock);
    if (stock.tokens < 1) return false;
    stock.tokens--;
    return true;
  }
}

/** As the latest; the oldest is forgotten when they get too many. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED && oldest !== undefined) map.delete(oldest);
}

/** No more than so many bytes of UTF-8, and no half characters. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const ellipsis = '…';
  const kept = Buffer.from(text).subarray(0, bytes - Buffer.byteLength(ellipsis));
  return `${kept.toString('utf8').replace(/\uFFFD$/, '')}${ellipsis}`;
}
