/** What another Service or NetworkPolicy costs: whether clients come to the edges by the same way. */
import type { Finding } from './cost.ts';
import { changeText, fieldChanges, valueAt } from './fields.ts';

/** @param object the Service, in words */
export function serviceCost(object: string, from: unknown, to: unknown): Finding[] {
  return fieldChanges(valueAt(from, 'spec'), valueAt(to, 'spec')).map((field) => {
    const change = changeText({ ...field, path: `spec.${field.path}` });
    return { object, change, ...serviceEffect(field.path, valueAt(from, 'spec', 'type')) };
  });
}

function serviceEffect(path: string, formerType: unknown): Pick<Finding, 'cost' | 'effect'> {
  if (path === 'type' && formerType === 'ClusterIP') return { cost: 'nothing', effect: 'there is a further way in' };
  if (path === 'type' || path === 'loadBalancerClass')
    return { cost: 'cut', effect: 'the former way in is taken away, and the clients that came by it with it' };
  if (path.startsWith('ports'))
    return {
      cost: 'listeners',
      effect: 'new connections are made to the ports of the new list; those that are there stay',
    };
  if (path === 'loadBalancerSourceRanges')
    return { cost: 'cut', effect: 'a load balancer may disconnect clients that are not in the list any more' };
  if (/^(externalTrafficPolicy|internalTrafficPolicy|trafficDistribution|sessionAffinity)/.test(path))
    return { cost: 'nothing', effect: 'counts for connections made from then on' };
  if (/^ip(FamilyPolicy|Families)/.test(path))
    return { cost: 'listeners', effect: 'the Service gets other addresses; clients connected stay' };
  return { cost: 'nothing', effect: '' };
}

/** Undefined: there is none, and everybody may come. @param object the NetworkPolicy, in words */
export function policyCost(object: string, from: unknown, to: unknown): Finding[] {
  if (to === undefined)
    return [{ cost: 'nothing', object, change: 'is removed', effect: 'everybody in the network may connect' }];
  const allowed = valueAt(to, 'spec', 'ingress', 0, 'from');
  if (from === undefined) {
    if (allowed === undefined) return [{ cost: 'nothing', object, change: 'is new', effect: 'all clients may come' }];
    return [{ cost: 'cut', object, change: 'is new', effect: narrows }];
  }
  return fieldChanges(valueAt(from, 'spec'), valueAt(to, 'spec')).map((field): Finding => {
    const change = changeText({ ...field, path: `spec.${field.path}` });
    if (/^ingress(\[0\]\.from|$)/.test(field.path) && !isWider(valueAt(from, 'spec', 'ingress', 0, 'from'), allowed))
      return { cost: 'cut', object, change, effect: narrows };
    return { cost: 'nothing', object, change, effect: '' };
  });
}

const narrows = 'clients that it does not name cannot connect; most networks disconnect those that are there';

/** Whether all who were allowed still are. Undefined: everybody is. */
function isWider(before: unknown, after: unknown): boolean {
  if (after === undefined) return true;
  if (!Array.isArray(before) || !Array.isArray(after)) return false;
  const now = new Set(after.map((peer) => JSON.stringify(peer)));
  return before.every((peer) => now.has(JSON.stringify(peer)));
}
