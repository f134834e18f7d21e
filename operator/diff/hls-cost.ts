/** What a change of the caches of HLS costs their players, who ask anew for every segment. */
import type { OwnedObject } from '../render/metadata.ts';
import type { Finding } from './cost.ts';
import { changeText, fieldChanges, valueAt } from './fields.ts';
import { serviceCost } from './network-cost.ts';

/** @param object in words. Undefined: nothing of its own to say, as of any object of that kind. */
export function hlsCost(
  object: string,
  from: OwnedObject | undefined,
  to: OwnedObject | undefined,
): Finding[] | undefined {
  const kind = (to ?? from)?.kind;
  if (to === undefined && from !== undefined && kind === 'Service')
    return [{ cost: 'cut', object, change: 'is removed', effect: 'nobody is served HLS any more' }];
  if (from === undefined || to === undefined) return undefined;
  if (kind === 'ConfigMap') return configCost(object, from, to);
  if (kind === 'Deployment') return deploymentCost(object, from, to);
  if (kind === 'Service') return serviceCost(object, from, to);
  return undefined;
}

function configCost(object: string, from: OwnedObject, to: OwnedObject): Finding[] {
  const files = new Set([from, to].flatMap((map) => Object.keys(Object(valueAt(map, 'data')))));
  const changed = [...files].filter((file) => valueAt(from, 'data', file) !== valueAt(to, 'data', file));
  if (changed.length === 0) return [];
  const effect = 'caches read it within two minutes, and go on with what they serve';
  return [{ cost: 'reload', object, change: `${changed.join(', ')} changes`, effect }];
}

function deploymentCost(object: string, from: OwnedObject, to: OwnedObject): Finding[] {
  return fieldChanges(valueAt(from, 'spec'), valueAt(to, 'spec')).map((field): Finding => {
    const change = changeText({ ...field, path: `spec.${field.path}` });
    if (field.path.startsWith('template'))
      return { cost: 'roll', object, change, effect: 'caches are replaced, new ones first; they begin empty' };
    if (field.path === 'replicas' && field.to === 0)
      return { cost: 'cut', object, change, effect: 'nobody is served HLS any more' };
    return { cost: 'nothing', object, change, effect: '' };
  });
}
