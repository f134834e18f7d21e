/** What may happen to EdgeClusters, to what they own and to the API server, in any order. */

import fc from '../../../support/property.ts';

export const clusters = ['live', 'other'] as const;
export type ClusterName = (typeof clusters)[number];

/** Specs that a person may apply one after the other. Those that are not valid keep the former one in force. */
export const specs = {
  plain: {},
  elsewhere: { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] },
  follows: { origins: [{ name: 'main', service: { name: 'srs' } }] },
  three: { replicas: 3 },
  none: { replicas: 0 },
  directive: { extraDirectives: 'grace_start_wait 5000;' },
  wrong: { extraDirectives: 'no_such_directive on;' },
  limited: { maxConnections: 500, logLevel: 'Warn' },
  autoscaled: { autoscaling: { minReplicas: 1, maxReplicas: 4 } },
  guarded: { networkPolicy: { enabled: true } },
  cached: { hls: {} },
  paused: { paused: true, origins: [{ name: 'main', servers: ['paused:1935'] }] },
} as const;
export type SpecName = keyof typeof specs;

/** Plurals of what every EdgeCluster owns. */
export const owned = [
  'serviceaccounts',
  'configmaps',
  'services',
  'poddisruptionbudgets',
  'deployments',
  'secrets',
  'controllerrevisions',
] as const;
export type OwnedPlural = (typeof owned)[number];

export const watched = ['edgeclusters', 'pods', ...owned, 'networkpolicies', 'horizontalpodautoscalers'] as const;
export type WatchedPlural = (typeof watched)[number];

export type Step =
  /** Somebody applies a spec; an EdgeCluster that is not there is made. */
  | { readonly do: 'apply'; readonly cluster: ClusterName; readonly spec: SpecName }
  | { readonly do: 'delete'; readonly cluster: ClusterName }
  | { readonly do: 'annotate'; readonly cluster: ClusterName; readonly key: 'paused' | 'theirs'; readonly set: boolean }
  /** Somebody changes an owned object, or deletes it. */
  | {
      readonly do: 'meddle';
      readonly cluster: ClusterName;
      readonly with: OwnedPlural;
      readonly how: 'delete' | 'content' | 'owner' | 'labels' | 'hash';
    }
  /** The controller of Deployments goes on. */
  | { readonly do: 'rollOut'; readonly cluster: ClusterName; readonly whole: boolean }
  | {
      readonly do: 'pod';
      readonly cluster: ClusterName;
      readonly index: 0 | 1;
      readonly to: 'start' | 'ready' | 'gone';
    }
  | { readonly do: 'origin'; readonly to: 'gone' | 'one' | 'two' }
  | { readonly do: 'drop'; readonly plural: WatchedPlural }
  /** All that happened is forgotten: watches end, and what they watch is listed again. */
  | { readonly do: 'expire'; readonly plural: WatchedPlural }
  /** It can neither be listed nor watched for some steps. What happened meanwhile may be forgotten then. */
  | { readonly do: 'away'; readonly plural: WatchedPlural; readonly steps: number; readonly forgotten: boolean }
  | { readonly do: 'fail'; readonly plural: WatchedPlural; readonly times: number; readonly how: FailureName }
  | { readonly do: 'outage' }
  | { readonly do: 'restart' }
  /** Where the operator is in its work then is left to chance. */
  | { readonly do: 'wait'; readonly ms: number }
  /** The operator does what it can. */
  | { readonly do: 'work' };

/** What becomes of writes. */
export const failures = {
  lost: { connection: 'lose-answer' },
  reset: { connection: 'reset' },
  conflict: { status: 409 },
  error: { status: 500 },
  busy: { status: 429, retryAfterSeconds: 0 },
  slow: { delayMs: 60 },
} as const;
type FailureName = keyof typeof failures;

export interface Scenario {
  /** Two: with leader election. */
  readonly operators: 1 | 2;
  /** After each all must be as it should. What comes later could mend what was missed. */
  readonly rounds: readonly (readonly Step[])[];
}

const cluster = fc.constantFrom<ClusterName>('live', 'live', 'other');
const plural = fc.constantFrom<WatchedPlural>(...watched);
/** What one operator changes while it cannot see it is most of what can be missed. */
const awayPlural = fc.constantFrom<WatchedPlural>(
  ...watched,
  ...Array<WatchedPlural>(6).fill('edgeclusters'),
  'configmaps',
  'deployments',
);
const keys = <K extends string>(of: Readonly<Record<K, unknown>>) => fc.constantFrom(...(Object.keys(of) as K[]));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('apply'), cluster, spec: keys(specs) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete'), cluster }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('annotate'),
      cluster,
      key: fc.constantFrom('paused' as const, 'theirs' as const),
      set: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('meddle'),
      cluster,
      with: fc.constantFrom(...owned),
      how: fc.constantFrom('delete', 'delete', 'content', 'owner', 'labels', 'hash'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('rollOut'), cluster, whole: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pod'),
      cluster,
      index: fc.constantFrom(0, 1),
      to: fc.constantFrom('start', 'ready', 'gone'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('origin'), to: fc.constantFrom('gone', 'one', 'two') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop'), plural }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire'), plural }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('away'),
      plural: awayPlural,
      steps: fc.integer({ min: 2, max: 6 }),
      forgotten: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fail'),
      plural,
      times: fc.integer({ min: 1, max: 3 }),
      how: keys(failures),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outage') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(3, 10, 30, 120) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('work') }) },
) as fc.Arbitrary<Step>;

const round = fc.array(step, { minLength: 3, maxLength: 12, size: 'max' });

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  operators: fc.constantFrom(1, 1, 2),
  rounds: fc.array(round, { minLength: 2, maxLength: 2 }),
});
