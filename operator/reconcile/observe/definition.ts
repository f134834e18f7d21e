/**
 * The definition of EdgeCluster as the API server serves it: it may be of an older release than this operator, or of a
 * newer one. We do what it can hold, and say once what it cannot.
 */

import type { Logger } from 'pino';
import type { Schema } from '../../api/schema.ts';
import { fitted, lacking, unknownSettings } from '../../api/served-schema.ts';
import type { EdgeCluster, EdgeClusterStatus } from '../../api/types.ts';
import { currentSchema } from '../../api/versions.ts';
import type { KubeApi } from '../../kube/api.ts';
import { RESOURCES } from '../../kube/resources.ts';

export interface DefinitionOptions {
  readonly api: Pick<KubeApi, 'schema'>;
  /** The definition is another one than before. */
  readonly changed: () => void;
  readonly log: Logger;
  /** While it differs from ours it is looked at so often, and else no more often than this. Default: a minute. */
  readonly everyMs?: number | undefined;
  /** Ends looking. */
  readonly signal: AbortSignal;
}

/** Why a definition that is not ours needs a person. */
export interface DefinitionProblem {
  readonly reason: 'DefinitionOutdated' | 'FieldsUnknown';
  readonly message: string;
}

const defaultEveryMs = 60_000;
/** After a refusal it is looked at sooner. */
const refusedEveryMs = 1000;
/** So many fields are named. */
const named = 8;

const ours = currentSchema();

export class Definition {
  readonly #options: DefinitionOptions;
  #served: Schema | undefined;
  /** What the served one lacks of ours, and the other way round. */
  #missing: readonly string[] = [];
  #extra: readonly string[] = [];
  readonly #everyMs: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: DefinitionOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? defaultEveryMs;
  }

  /** Looks at the definition: now, or where that was done a short time ago, a little later. */
  look(): Promise<void> {
    return this.#look(this.#everyMs);
  }

  /** A status was refused: the definition may have become another one. */
  refused(): Promise<void> {
    return this.#look(refusedEveryMs);
  }

  /** What of a status the definition can hold. */
  fitted(status: EdgeClusterStatus): EdgeClusterStatus {
    const schema = this.#served?.properties?.status;
    if (schema === undefined || this.#missing.length === 0) return status;
    return (fitted(status, schema) ?? {}) as EdgeClusterStatus;
  }

  problemsOf({ spec }: EdgeCluster): readonly DefinitionProblem[] {
    const problems: DefinitionProblem[] = [];
    if (this.#missing.length > 0) problems.push({ reason: 'DefinitionOutdated', message: this.#outdated() });
    const { spec: known } = ours.properties ?? {};
    const { spec: served } = this.#served?.properties ?? {};
    if (this.#extra.length === 0 || known === undefined || served === undefined) return problems;
    const unknown = unknownSettings(spec, known, served, 'spec');
    if (unknown.length > 0) {
      const message = `${some(unknown)} has no effect: the CRD is newer than this operator; upgrade the operator`;
      problems.push({ reason: 'FieldsUnknown', message });
    }
    return problems;
  }

  async #look(atMostEveryMs: number): Promise<void> {
    const { api, log, signal, changed } = this.#options;
    const nowMs = performance.now();
    const waitMs = this.#lookedAtMs + atMostEveryMs - nowMs;
    if (waitMs > 0) return this.#lookIn(waitMs);
    this.#lookedAtMs = nowMs;
    clearTimeout(this.#timer);
    this.#dueMs = Number.POSITIVE_INFINITY;
    try {
      const served = await api.schema<Schema>(RESOURCES.EdgeCluster, { signal });
      if (served !== undefined) this.#compare(served, changed);
    } catch (error) {
      if (signal.aborted) return;
      // Nothing is lost: where it is ours, which is the rule, there is nothing to do.
      log.debug({ err: String(error) }, 'the definition of EdgeCluster cannot be read');
    }
    if (this.#missing.length + this.#extra.length > 0 && !signal.aborted) {
      this.#lookIn(this.#everyMs);
    }
  }

  /** Unless it is looked at sooner. */
  #lookIn(ms: number): void {
    const dueMs = performance.now() + ms;
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => void this.#look(0), ms).unref();
  }

  #compare(served: Schema, changed: () => void): void {
    const before = `${this.#missing} ${this.#extra}`;
    this.#served = served;
    this.#missing = differences(ours, served);
    this.#extra = differences(served, ours);
    if (before === `${this.#missing} ${this.#extra}`) return;
    const { log } = this.#options;
    if (this.#missing.length > 0) log.warn(this.#outdated());
    else if (this.#extra.length > 0)
      log.warn(`the CRD is newer than this operator, which knows nothing of ${some(this.#extra)}`);
    else log.info('the CRD is that of this operator');
    changed();
  }

  #outdated(): string {
    return (
      `the CRD is older than this operator and lacks ${some(this.#missing)}; ` +
      'apply the CRD of this version (crds/edgecluster.yaml, or crds.install of the chart)'
    );
  }
}

/** Of spec and status: all else is Kubernetes' own. */
function differences(schema: Schema, other: Schema): readonly string[] {
  return (['spec', 'status'] as const).flatMap((part) =>
    lacking(schema.properties?.[part] ?? {}, other.properties?.[part] ?? {}, part),
  );
}

function some(names: readonly string[]): string {
  const more = names.length - named;
  return `${names.slice(0, named).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
