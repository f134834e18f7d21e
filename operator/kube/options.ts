/** What requests to the Kubernetes API take and give. */
import type { Resource } from './resources.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'apply' | 'patch' | 'delete';

/** One HTTP request; repeated ones count each. */
export interface RequestReport {
  readonly verb: Verb;
  readonly resource: Resource;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** Until the answer was read; of a watch, until it began. */
  readonly durationMs: number;
}

export interface KubeApiOptions {
  readonly userAgent?: string;
  /** Who we are for server-side apply; default `edgecluster`. */
  readonly fieldManager?: string;
  /** Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** Of that, until there is a connection; default 4 s. */
  readonly connectTimeoutMs?: number;
  /** The longest that is waited before a request is tried again, whatever Retry-After says; default 10 s. */
  readonly retryMaxMs?: number;
  /** A watch without a byte for so long is given up; default 180 s (the API server sends a bookmark each minute). */
  readonly watchIdleMs?: number;
  readonly onRequest?: (report: RequestReport) => void;
}

export interface Selection {
  /** Default: all. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends Selection {
  /** Objects of a page; default: all in one. */
  readonly limit?: number;
  /** From the page before. */
  readonly continue?: string | undefined;
}

export interface ListPage<T> {
  readonly items: T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
  /** There: this was not all. */
  readonly continue: string | undefined;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  readonly allowWatchBookmarks?: boolean;
  /** After so long the API server ends the watch; default 5 to 10 minutes, at random. */
  readonly timeoutSeconds?: number;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends RequestOptions {
  /** The API server judges it and says what would come of it, and stores nothing. Unknown fields are refused, too. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Take over fields that others own; default true, as controllers should. */
  readonly force?: boolean;
  readonly subresource?: 'status' | 'scale';
  readonly fieldManager?: string;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status' | 'scale';
  readonly fieldManager?: string;
}

export interface DeleteOptions extends RequestOptions {
  /** Only this very object, not another of its name. */
  readonly uid?: string | undefined;
  /** Default Background. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}
