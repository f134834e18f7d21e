/**
 * The master key that the credentials of all edges derive from: a Secret in the operator's own namespace. The operator
 * makes it where it is missing. It rotates the key after some time, and at once when a person sets the annotation ROTATE
 * or deletes the Secret.
 *
 * A rotation has two steps. First the Secret gets a new key and keeps the former one, and both are valid. Later, when
 * every kubelet has had the time to bring the new credential to its edges, the former key is dropped. The Secret says
 * when its key was made, so the next operator goes on where this one stopped.
 *
 * A Secret of that name that somebody else made is used as it is and never written.
 */

import { randomBytes } from 'node:crypto';
import type { KubernetesObject, V1Secret } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { MANAGED_BY, MANAGER, ROTATE, ROTATED_AT } from '../../api/labels.ts';
import { ApiError, isNamespaceEnding, type KubeApi } from '../../kube/api.ts';
import { backoffMs } from '../../kube/backoff.ts';
import { RESOURCES } from '../../kube/resources.ts';
import type { MasterKeys } from '../../render/credential.ts';
import type { Watcher } from '../observe/watcher.ts';
import { OwnWrite } from './own-write.ts';

export interface MasterKeyOptions {
  readonly api: Pick<KubeApi, 'create' | 'mergePatch'>;
  readonly watcher: Pick<Watcher, 'watch' | 'problemOf'>;
  readonly namespace: string;
  readonly name: string;
  /** Undefined: only on request. */
  readonly rotateEveryMs: number | undefined;
  /** How long the former key stays valid after a rotation; default 10 min. */
  readonly overlapMs?: number;
  /** Other keys than before, or another problem. */
  readonly changed: () => void;
  readonly log: Logger;
}

const keyBytes = 32;
const field = { current: 'key', former: 'former-key' } as const;
const retryMs = { first: 500, greatest: 60_000 } as const;
/** A timer cannot wait longer than 24 days. A day also bounds what a wrong clock can do. */
const longestWaitMs = 86_400_000;

export class MasterKey {
  readonly #options: MasterKeyOptions;
  readonly #overlapMs: number;
  readonly #known = Promise.withResolvers<void>();
  /** By the watch. */
  #shown: V1Secret | undefined;
  readonly #own = new OwnWrite<V1Secret>();
  /** Of the last list. */
  #listedVersion: string | undefined;
  #listed = false;
  #keys: MasterKeys | undefined;
  #problem: string | undefined;
  #failures = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: MasterKeyOptions) {
    this.#options = options;
    this.#overlapMs = options.overlapMs ?? 600_000;
  }

  /** Undefined until the first key is known. Keys stay in use while their Secret is gone or cannot be read. */
  get keys(): MasterKeys | undefined {
    return this.#keys;
  }

  /** Why there are no keys, and what to do. */
  get problem(): string | undefined {
    if (this.#keys !== undefined) return undefined;
    const why = this.#problem ?? this.#options.watcher.problemOf([RESOURCES.Secret])?.message ?? 'no answer yet';
    return `there is no master key for the credentials of edges (Secret ${this.#title}): ${why}`;
  }

  /** Follows the Secret until `close`; resolves when there are keys. */
  async start(): Promise<void> {
    const { watcher, namespace, name } = this.#options;
    const onListed = (version: string): void => this.#listedAt(version);
    const settings = { namespace, fieldSelector: `metadata.name=${name}`, listed: onListed };
    const listed = watcher.watch(RESOURCES.Secret, settings, asIs, (secret, _, deleted) => this.#seen(secret, deleted));
    void listed.then(() => {
      this.#listed = true;
      this.#look();
    });
    await this.#known.promise;
  }

  close(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  get #title(): string {
    return `${this.#options.namespace}/${this.#options.name}`;
  }

  #seen(secret: V1Secret, deleted: boolean): void {
    this.#shown = deleted ? undefined : secret;
    if (deleted) this.#own.deleted(secret.metadata?.uid);
    else this.#own.seen(secret);
    if (this.#listed) this.#look();
  }

  #listedAt(version: string): void {
    this.#listedVersion = version;
    if (this.#own.listed(version)) this.#look();
  }

  /** Takes the keys that there are, and does what is due. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#writing) return;
    const { step, inMs } = this.#next();
    if (step === undefined) {
      if (inMs !== undefined) this.#lookAgain(inMs);
      return;
    }
    this.#writing = true;
    step().then(
      (secret) => this.#wrote(secret),
      (error: unknown) => this.#failed(error),
    );
  }

  #lookAgain(inMs: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.min(inMs, longestWaitMs)).unref();
  }

  /** What is to be written now, or after which time something is. */
  #next(): { readonly step?: () => Promise<V1Secret>; readonly inMs?: number } {
    const live = this.#own.newest(this.#shown);
    if (live === undefined) return { step: () => this.#create() };
    const keys = keysOf(live);
    if (keys === undefined) {
      this.#tell(
        `the Secret has no "${field.current}" of at least ${keyBytes} bytes; delete it, and the operator makes another one`,
      );
      return {};
    }
    this.#use(keys);
    if (live.metadata?.labels?.[MANAGED_BY] !== MANAGER) return {};
    if (live.metadata.annotations?.[ROTATE] !== undefined) return { step: () => this.#rotate(live, keys) };
    const { rotateEveryMs = Number.POSITIVE_INFINITY } = this.#options;
    const ageMs = ageOf(live);
    if (ageMs >= rotateEveryMs) return { step: () => this.#rotate(live, keys) };
    if (keys.former === undefined) return { inMs: rotateEveryMs - ageMs };
    if (ageMs >= this.#overlapMs) return { step: () => this.#dropFormer(live) };
    return { inMs: Math.min(rotateEveryMs, this.#overlapMs) - ageMs };
  }

  /** If the Secret was deleted, edges still have the credential of its key: that one stays valid for a while. */
  async #create(): Promise<V1Secret> {
    const { api, namespace, name, log } = this.#options;
    const former = this.#keys?.current;
    const secret: V1Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace,
        labels: { [MANAGED_BY]: MANAGER, 'app.kubernetes.io/component': 'operator' },
        annotations: { [ROTATED_AT]: new Date().toISOString() },
      },
      type: 'Opaque',
      data: { [field.current]: newKey(), ...(former !== undefined && { [field.former]: former }) },
    };
    const created = await api.create(secret);
    log.info({ secret: this.#title, replaced: former !== undefined }, 'made a master key');
    return created;
  }

  async #rotate(live: V1Secret, { current }: MasterKeys): Promise<V1Secret> {
    const annotations = { [ROTATED_AT]: new Date().toISOString(), [ROTATE]: null };
    const rotated = await this.#patch(live, { annotations }, { [field.current]: newKey(), [field.former]: current });
    this.#options.log.info({ secret: this.#title, formerValidMs: this.#overlapMs }, 'rotated the master key');
    return rotated;
  }

  async #dropFormer(live: V1Secret): Promise<V1Secret> {
    const written = await this.#patch(live, {}, { [field.former]: null });
    this.#options.log.info({ secret: this.#title }, 'dropped the former master key');
    return written;
  }

  /** The API server refuses it if somebody has written in between. The watch then shows what is there. */
  #patch(live: V1Secret, metadata: object, data: object): Promise<V1Secret> {
    const { api, namespace, name } = this.#options;
    const { uid, resourceVersion } = live.metadata ?? {};
    const patch = { metadata: { uid, resourceVersion, ...metadata }, data };
    return api.mergePatch<V1Secret>(RESOURCES.Secret, namespace, name, patch);
  }

  #wrote(secret: V1Secret): void {
    this.#writing = false;
    this.#failures = 0;
    this.#own.answered(secret, this.#listedVersion);
    this.#look();
  }

  #failed(thrown: unknown): void {
    this.#writing = false;
    if (this.#stopped) return;
    const error = thrown instanceof ApiError ? thrown : new ApiError(0, '', String(thrown));
    const { first, greatest } = retryMs;
    const { status, message, retryAfterMs = 0 } = error;
    // After a conflict the watch shows what is there.
    if (status !== 409) this.#tell(message);
    // The operator ends with its namespace: nothing to warn about.
    if (isNamespaceEnding(error)) return this.#lookAgain(greatest);
    if (status !== 409)
      this.#options.log.warn({ secret: this.#title, err: message }, 'the master key cannot be written; will try again');
    this.#lookAgain(Math.max(retryAfterMs, backoffMs(this.#failures++, first, greatest)));
  }

  #tell(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#options.changed();
  }

  #use(keys: MasterKeys): void {
    const before = this.#keys;
    this.#problem = undefined;
    if (before?.current === keys.current && before.former === keys.former) return;
    this.#keys = keys;
    this.#known.resolve();
    this.#options.changed();
  }
}

function asIs(secret: V1Secret & KubernetesObject): V1Secret & KubernetesObject {
  return secret;
}

function newKey(): string {
  return randomBytes(keyBytes).toString('base64');
}

/** Undefined: the Secret has no usable key. */
function keysOf({ data = {} }: V1Secret): MasterKeys | undefined {
  const current = usable(data[field.current]);
  return current === undefined ? undefined : { current, former: usable(data[field.former]) };
}

function usable(key: string | undefined): string | undefined {
  return key !== undefined && Buffer.from(key, 'base64').length >= keyBytes ? key : undefined;
}

/** Milliseconds since the key was made, at least 0; Infinity where the Secret does not say. */
function ageOf({ metadata }: V1Secret): number {
  const rotatedMs = Date.parse(metadata?.annotations?.[ROTATED_AT] ?? '');
  return Number.isNaN(rotatedMs) ? Number.POSITIVE_INFINITY : Math.max(0, Date.now() - rotatedMs);
}
