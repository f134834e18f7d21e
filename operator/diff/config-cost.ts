/** What another edge.conf costs: which of its directives a running edge takes, and from when on they count. */
import { type Change, diffConfig } from '../../edge/conf/diff.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import type { Finding } from './cost.ts';

/** Directives that say where the edge listens. */
const ofListeners = /^(listen$|rtmps\.|(http_api|http_server|exporter)\.(enabled$|listen$|https\.))/;

/** @param object what holds the edge.conf, in words */
export function configCost(object: string, from: EdgeConfig, to: EdgeConfig): Finding[] {
  const { changes, vhostsAdded, vhostsRemoved } = diffConfig(from, to);
  const reload = (change: string, effect: string): Finding => ({ cost: 'reload', object, change, effect });
  return [
    ...changes.map((change) => findingOf(object, change)),
    ...vhostsAdded.map((name) => reload(`vhost ${name} is new`, 'edges serve it at once')),
    ...vhostsRemoved.map((name) =>
      reload(
        `vhost ${name} is gone`,
        'its clients stay with its origins until they leave; new ones get the default vhost, or are refused',
      ),
    ),
  ];
}

function findingOf(object: string, { path, from, to, effect }: Change): Finding {
  const change = `${path}: ${from || 'none'} → ${to || 'none'}`;
  if (effect === 'restart' && ofListeners.test(path))
    return { cost: 'listeners', object, change, effect: 'an edge opens its listeners when it starts' };
  if (effect === 'restart') return { cost: 'roll', object, change, effect: 'an edge reads it when it starts' };
  if (/^vhost \S+: enabled$/.test(path) && to === 'off')
    return { cost: 'reload', object, change, effect: 'its clients stay until they leave; new ones are refused' };
  const since = effect === 'at once' ? 'running edges take it at once' : 'counts for connections made from then on';
  return { cost: 'reload', object, change, effect: since };
}
