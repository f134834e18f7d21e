/** The caches of HLS, as their Deployment shows them. */

import { type Finding, finding } from '../../api/conditions.ts';
import type { EdgeClusterStatus } from '../../api/types.ts';
import { hlsNameOf } from '../../render/hls/names.ts';
import { rolloutOf } from '../edges/fleet.ts';
import type { Scene } from './observation.ts';
import { listed, plural } from './words.ts';

/** Nothing where no HLS is asked for. */
export function hlsStatus({ cluster, hls: { deployment } }: Scene): Pick<EdgeClusterStatus, 'hls'> {
  if (cluster.spec.hls === undefined) return {};
  const { replicas = 0, readyReplicas = 0, updatedReplicas = 0 } = deployment?.status ?? {};
  return { hls: { replicas, readyReplicas, updatedReplicas } };
}

/** The condition HlsReady; none where no HLS is asked for. */
export function hlsReady({ cluster, objects, hls }: Scene): Finding[] {
  const asked = cluster.spec.hls;
  if (asked === undefined) return [];
  const type = 'HlsReady';
  const name = hlsNameOf(cluster);
  const blocked = objects.filter(({ reason, object }) => reason !== 'Contested' && object.endsWith(` ${name}`));
  if (blocked.length > 0) {
    const what = listed(blocked.map(({ object, message }) => `${object}: ${message}`));
    return [finding(type, 'Blocked', `cannot be applied: ${what}`)];
  }
  const { deployment, origins } = hls;
  const wanted = deployment?.spec?.replicas ?? asked.replicas;
  if (wanted === 0) return [finding(type, 'ScaledToZero', 'spec.hls.replicas is 0: no cache runs')];
  const ready = deployment?.status?.readyReplicas ?? 0;
  if (ready < wanted) {
    const look = `kubectl get pods -l edgecluster.io/hls=${cluster.metadata.name}`;
    return [finding(type, 'CachesNotReady', `${ready} of ${plural(wanted, 'cache')} ready; ${look}`)];
  }
  if (deployment === undefined || rolloutOf(deployment).state !== 'done') {
    const updated = deployment?.status?.updatedReplicas ?? 0;
    return [finding(type, 'RollingOut', `${updated} of ${plural(wanted, 'cache')} have the new pod template`)];
  }
  if (origins.problems.length > 0) {
    const what = origins.problems.map(({ message }) => message);
    return [finding(type, 'OriginsNotFound', `HTTP of the origins: ${listed(what, 3, '; ')}`)];
  }
  return [finding(type, 'AllCachesReady', `${plural(ready, 'cache')} ready`)];
}
