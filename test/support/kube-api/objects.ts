/** What the double keeps and says: objects, refusals, and a look at what is in them. */
import type { Resource } from '../../../operator/kube/resources.ts';

export interface KubeMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  managedFields?: ManagedFields[];
}

/** Fields as the API server writes them: `f:name`, `k:{"key":…}`, `v:value`, `.`. A leaf has nothing in it. */
export interface FieldTree {
  [element: string]: FieldTree;
}

export interface ManagedFields {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: FieldTree;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: KubeMeta;
  [field: string]: unknown;
}

/** What the API server refuses, and how it says so. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      details: { ...(this.retryAfterSeconds !== undefined && { retryAfterSeconds: this.retryAfterSeconds }) },
      code: this.status,
    };
  }
}

export function notFound(resource: Resource, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${qualified(resource)} "${name}" not found`);
}

export function conflict(resource: Resource, name: string, why: string): Refusal {
  return new Refusal(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`);
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** `deployments.apps`. */
export function qualified({ plural, group }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mapAt(object: unknown, ...path: string[]): Record<string, unknown> {
  let value = object;
  for (const name of path) value = isMap(value) ? value[name] : undefined;
  return isMap(value) ? value : {};
}
