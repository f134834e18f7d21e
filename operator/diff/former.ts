/** What a change is compared with, when it is a file: EdgeClusters, or what `edgecluster render` has printed of them. */
import { ConfigError } from '../../edge/conf/problem.ts';
import { CLUSTER_LABEL, KIND } from '../api/labels.ts';
import { readText } from '../api/manifests.ts';
import type { OwnedObject } from '../render/metadata.ts';
import { configFileOf, type State } from './change-cost.ts';
import { valueAt } from './fields.ts';

/** It is neither. */
export class FormerStateError extends Error {
  override readonly name = 'FormerStateError';
}

/**
 * The objects of each rendered EdgeCluster, by `namespace/name`. Undefined: the text holds EdgeClusters themselves.
 * @param title what to call the text in messages
 * Throws FormerStateError for objects that `edgecluster render` has not printed, or not all of them.
 */
export function renderedStates(text: string, title: string): ReadonlyMap<string, State> | undefined {
  const objects = readObjects(text, title);
  if (objects.some(({ kind }) => kind === KIND)) return undefined;
  const states = new Map<string, OwnedObject[]>();
  for (const object of objects) {
    const { namespace = 'default', labels, uid } = object.metadata;
    const cluster = labels?.[CLUSTER_LABEL];
    const what = `${title}: ${object.kind} ${object.metadata.name}`;
    if (cluster === undefined)
      throw new FormerStateError(`${what} is no part of an EdgeCluster: it has no label ${CLUSTER_LABEL}`);
    if (uid !== undefined) {
      const remedy = 'leave --from out to compare with a cluster';
      throw new FormerStateError(`${what} was read from a cluster, which has added fields to it; ${remedy}`);
    }
    const key = `${namespace}/${cluster}`;
    states.set(key, [...(states.get(key) ?? []), object]);
  }
  if (states.size === 0) throw new FormerStateError(`${title} holds no EdgeCluster, nor what is rendered of one`);
  for (const [key, state] of states) refuseParts(`${title}: ${key}`, state);
  return states;
}

function refuseParts(what: string, state: State): void {
  const hasConfig = state.some((object) => configFileOf(object) !== undefined);
  if (hasConfig && state.some(({ kind }) => kind === 'Deployment')) return;
  throw new FormerStateError(
    `${what}: the Deployment or the edge.conf is missing; give all that "edgecluster render" prints`,
  );
}

function readObjects(text: string, title: string): OwnedObject[] {
  try {
    return readText(text, title).map(({ value, locate }) => {
      if (isManifest(value)) return value;
      throw new FormerStateError(`${locate([])}: this is no object of Kubernetes: it has no kind, or no metadata.name`);
    });
  } catch (error) {
    if (error instanceof ConfigError) throw new FormerStateError(error.message);
    throw error;
  }
}

function isManifest(value: unknown): value is OwnedObject {
  return (
    typeof valueAt(value, 'kind') === 'string' &&
    typeof valueAt(value, 'apiVersion') === 'string' &&
    typeof valueAt(value, 'metadata', 'name') === 'string'
  );
}
