/** What another Deployment costs: pods that are replaced, and pods that are more or fewer. */
import { RESTART_HASH } from '../api/labels.ts';
import type { Finding } from './cost.ts';
import { changeText, type FieldChange, fieldChanges, valueAt } from './fields.ts';

/** @param object the Deployment, in words */
export function podsCost(object: string, from: unknown, to: unknown): Finding[] {
  return [...templateCost(object, from, to), ...replicasCost(object, from, to), ...otherCost(object, from, to)];
}

/** Kubernetes replaces all pods when anything in their template differs. */
function templateCost(object: string, from: unknown, to: unknown): Finding[] {
  const changes = templateChanges(from, to);
  if (changes.length === 0) return [];
  const { cost, text } = endingOf(from);
  return [
    { cost, object, change: `all pods are replaced: ${orderOf(to)}`, effect: text },
    // The directives that it is a hash of are told one by one.
    ...changes
      .filter(({ path }) => !path.includes(RESTART_HASH))
      .map((change) => ({ cost, object, change: changeText(change), effect: '' })),
  ];
}

function templateChanges(from: unknown, to: unknown): FieldChange[] {
  const template = (deployment: unknown) => ({ spec: { template: valueAt(deployment, 'spec', 'template') } });
  return fieldChanges(template(from), template(to));
}

function orderOf(deployment: unknown): string {
  const limits = valueAt(deployment, 'spec', 'strategy', 'rollingUpdate');
  const [surge, unavailable] = [valueAt(limits, 'maxSurge'), valueAt(limits, 'maxUnavailable')];
  if (/^0%?$/.test(String(surge))) return `old ones first, at most ${unavailable} at a time`;
  return `new ones first, at most ${surge} more at a time`;
}

function replicasCost(object: string, from: unknown, to: unknown): Finding[] {
  const [before, after] = [replicasOf(from), replicasOf(to)];
  if (before === after) return [];
  const change = `edges: ${before} → ${after}`;
  if (after > before) return [{ cost: 'nothing', object, change, effect: 'more edges start' }];
  const { cost, text } = endingOf(from);
  if (after === 0) return [{ cost: 'cut', object, change, effect: `nobody is served any more; ${text}` }];
  return [{ cost, object, change, effect: `those with the fewest players go; ${text}` }];
}

/** How pods are replaced, for the next time. */
function otherCost(object: string, from: unknown, to: unknown): Finding[] {
  const rest = (deployment: unknown) => ({ ...Object(valueAt(deployment, 'spec')), replicas: 0, template: {} });
  return fieldChanges(rest(from), rest(to)).map((change) => ({
    cost: 'nothing',
    object,
    change: changeText({ ...change, path: `spec.${change.path}` }),
    effect: 'counts when pods are replaced the next time',
  }));
}

interface Ending {
  readonly cost: 'roll' | 'cut';
  readonly text: string;
}

/** How pods of this Deployment end: a pod drains for as long as it was told when it was made. */
function endingOf(deployment: unknown): Ending {
  const seconds = drainSecondsOf(deployment);
  if (seconds === undefined) return { cost: 'roll', text: 'their clients may finish' };
  if (seconds > 0)
    return { cost: 'roll', text: `clients of a pod that ends have ${seconds} s to finish or to go elsewhere` };
  return { cost: 'cut', text: 'clients of a pod that ends are disconnected at once: pods.drainSeconds is 0' };
}

function drainSecondsOf(deployment: unknown): number | undefined {
  const containers = valueAt(deployment, 'spec', 'template', 'spec', 'containers');
  const env = Array.isArray(containers) ? containers.flatMap((container) => valueAt(container, 'env') ?? []) : [];
  const drain = env.find((variable) => valueAt(variable, 'name') === 'SRS_EDGE_DRAIN_TIMEOUT');
  const ms = Number(valueAt(drain, 'value') ?? Number.NaN);
  return Number.isFinite(ms) ? ms / 1000 : undefined;
}

/** Kubernetes' default is 1. */
export function replicasOf(deployment: unknown): number {
  const replicas = valueAt(deployment, 'spec', 'replicas');
  return typeof replicas === 'number' ? replicas : 1;
}
