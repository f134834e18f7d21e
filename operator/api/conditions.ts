/**
 * The conditions of an EdgeCluster: every reason there is, and which status it stands for. What each means and what to
 * do about it is in crds/TROUBLESHOOTING.md.
 */

import type { Condition, ConditionType } from './types.ts';

export type ConditionStatus = Condition['status'];

/** Type → reason → status. A reason has one status only, so that a reason alone says it all. */
export const REASONS = {
  /** As many edges as are wanted are ready, and run the newest configuration. */
  Ready: {
    AllEdgesReady: 'True',
    ScaledToZero: 'True',
    EdgesNotReady: 'False',
    RollingOut: 'False',
    ApplyingConfig: 'False',
    Blocked: 'False',
    ConfigInvalid: 'False',
    Paused: 'False',
    EdgesSilent: 'Unknown',
  },
  /** Clients are served. */
  Available: {
    AllEdgesReady: 'True',
    SomeEdgesReady: 'True',
    WaitingForEdges: 'False',
    NoEdgesReady: 'False',
    ScaledToZero: 'False',
    ConfigInvalid: 'False',
  },
  /** What runs is on its way to what is wanted. */
  Progressing: {
    RollingOut: 'True',
    ScalingUp: 'True',
    ScalingDown: 'True',
    EdgesStarting: 'True',
    ConfigCanary: 'True',
    ApplyingConfig: 'True',
    Draining: 'True',
    UpgradeWaits: 'True',
    UpgradeHalted: 'False',
    Paused: 'False',
    Settled: 'False',
    RolloutStuck: 'False',
    PodsFailing: 'False',
    Blocked: 'False',
  },
  /** The same for tools that follow kstatus, but for drains and upgrades of the operator. */
  Reconciling: {
    Progressing: 'True',
    NotProgressing: 'False',
  },
  /** What the spec asks for will not come until somebody changes something. */
  Stalled: {
    RolloutStuck: 'True',
    Blocked: 'True',
    NotStalled: 'False',
  },
  /** Every origin can be reached, as the edges see it. */
  OriginsReachable: {
    AllReachable: 'True',
    SomeUnreachable: 'False',
    NoneReachable: 'False',
    RefNotPermitted: 'False',
    ServiceNotFound: 'False',
    ServicePortNotFound: 'False',
    NoEndpoints: 'False',
    ParentNotFound: 'False',
    ParentVhostMissing: 'False',
    NotTried: 'Unknown',
    NoEdges: 'Unknown',
    EdgesSilent: 'Unknown',
  },
  /** As many caches of HLS are ready as are wanted. Only with spec.hls. */
  HlsReady: {
    AllCachesReady: 'True',
    ScaledToZero: 'True',
    CachesNotReady: 'False',
    RollingOut: 'False',
    OriginsNotFound: 'False',
    Blocked: 'False',
  },
  /** Something needs a person. The worst first: it gives the condition its reason, the message names them all. */
  Degraded: {
    ConfigInvalid: 'True',
    ConfigHalted: 'True',
    NameTaken: 'True',
    ApplyRefused: 'True',
    CredentialMissing: 'True',
    SecretNotFound: 'True',
    PodsFailing: 'True',
    RolloutStuck: 'True',
    EdgeConfigRefused: 'True',
    OriginsNotFound: 'True',
    OriginDown: 'True',
    ScalingHindered: 'True',
    CredentialRefused: 'True',
    EdgesSilent: 'True',
    Contested: 'True',
    DefinitionOutdated: 'True',
    FieldsUnknown: 'True',
    AsExpected: 'False',
  },
  /** The EdgeCluster could be made into an edge.conf. */
  ConfigValid: {
    Valid: 'True',
    InvalidDirectives: 'False',
    InvalidConfig: 'False',
    ParentLoop: 'False',
  },
  /** The number of edges follows what they have to do. Only with `spec.autoscaling`. */
  Scaling: {
    Following: 'True',
    MetricMissing: 'False',
    LimitReached: 'False',
    Flapping: 'False',
    ScaleRefused: 'False',
    ScaledToZero: 'False',
    Paused: 'False',
    ClientsUnknown: 'Unknown',
  },
} as const satisfies Record<ConditionType, Readonly<Record<string, ConditionStatus>>>;

export type Reason<T extends ConditionType> = Extract<keyof (typeof REASONS)[T], string>;

/** Why an EdgeCluster cannot be made into an edge.conf. */
export type ConfigProblem = Exclude<Reason<'ConfigValid'>, 'Valid'>;

/** A condition without the fields that depend on when it is looked at. */
export interface Finding {
  readonly type: ConditionType;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
}

/** @param message for a person: what is so, where, and what to do */
export function finding<T extends ConditionType>(type: T, reason: Reason<T>, message: string): Finding {
  const statuses: Readonly<Record<string, ConditionStatus>> = REASONS[type];
  return { type, status: statuses[reason] ?? 'Unknown', reason, message: shortened(message) };
}

/** Findings as conditions. `lastTransitionTime` is `now` where the status differs from what it was, else as it was. */
export function conditionsOf(
  findings: readonly Finding[],
  previous: readonly Condition[],
  observedGeneration: number,
  now: Date,
): Condition[] {
  return findings.map((found) => {
    const before = conditionOf(previous, found.type);
    const lastTransitionTime = before?.status === found.status ? before.lastTransitionTime : timestamp(now);
    return { ...found, lastTransitionTime, observedGeneration };
  });
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: ConditionType): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Kubernetes' time stamps have whole seconds. */
function timestamp(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Kubernetes bounds messages of conditions at 32768 characters; a person reads fewer. */
const messageLength = 1024;

function shortened(message: string): string {
  return message.length <= messageLength ? message : `${message.slice(0, messageLength - 1)}…`;
}
