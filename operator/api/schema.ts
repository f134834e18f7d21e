/** `crds/edgecluster.yaml` as data: the part of a CustomResourceDefinition that we read, and how it is found. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A structural schema of Kubernetes: JSON Schema with less freedom and a few words of its own. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

/** A rule in CEL: see Kubernetes' documentation of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
  /** FieldValueDuplicate is left out: the API server does not show the message with it. */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

export interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames: readonly string[] };
    readonly versions: readonly CrdVersion[];
    readonly conversion?: { readonly strategy: string };
  };
}

export interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly schema: { readonly openAPIV3Schema: Schema };
}

export interface PrinterColumn {
  readonly name: string;
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
}

const CRD_FILE = new URL(import.meta.resolve('#crd'));

let crd: Crd | undefined;

/** Reads our own file, once, so that its shape is taken for granted. */
export function readCrd(): Crd {
  crd ??= parse(readFileSync(CRD_FILE, 'utf8')) as Crd;
  return crd;
}
