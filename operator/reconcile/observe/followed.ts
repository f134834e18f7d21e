/** What a group of origins follows, a Service or a parent, and what is said where it cannot be followed. */

import { ORIGINS_FOR } from '../../api/labels.ts';
import { followedService } from '../../api/origin-groups.ts';
import type { EdgeCluster, OriginEdgeCluster, OriginGroup, OriginService } from '../../api/types.ts';
import type { OriginServiceView } from './views.ts';

/** What is wrong, and what to do. */
export type Words = readonly [wrong: string, remedy: string];

export interface Followed {
  readonly service: OriginService;
  /** As people know it: `Service media/srs`, `EdgeCluster media/region`. */
  readonly title: string;
  /** Its port, where the Service itself cannot tell. */
  readonly port: number;
  /** The Service is not there. */
  readonly absent: { readonly reason: 'ServiceNotFound' | 'ParentNotFound'; readonly words: Words };
  readonly notPermitted: Words;
  readonly noEndpoints: Words;
  readonly noPort: (service: OriginServiceView) => Words;
}

/** An EdgeCluster that is a parent, as far as it can be seen. */
export type ParentView =
  /** EdgeClusters of its namespace are not seen. */
  | { readonly kind: 'unseen' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly cluster: EdgeCluster };

export type ParentLookup = (namespace: string, name: string) => ParentView;

/** Undefined: the group lists servers. */
export function followedBy(group: OriginGroup, ownNamespace: string, parents: ParentLookup): Followed | undefined {
  const service = followedService(group);
  if (service === undefined) return undefined;
  const { edgeCluster } = group;
  if (edgeCluster === undefined) return ofService(service, ownNamespace, group);
  return ofParent(ownNamespace, edgeCluster, service, group, parents);
}

function ofService(service: OriginService, ownNamespace: string, group: OriginGroup): Followed {
  const { name, namespace = ownNamespace, port } = service;
  const title = `Service ${namespace}/${name}`;
  return {
    service,
    title,
    // As edges assume it: RTMPS has HTTPS's port.
    port: typeof port === 'number' ? port : group.tls === undefined ? 1935 : 443,
    absent: {
      reason: 'ServiceNotFound',
      words: [`there is no ${title}`, 'create it, or correct spec.origins[].service'],
    },
    notPermitted: [
      `${title} does not let EdgeClusters of namespace ${ownNamespace} follow its endpoints`,
      `who owns it allows it: kubectl annotate service -n ${namespace} ${name} ${ORIGINS_FOR}=${ownNamespace}`,
    ],
    noEndpoints: [`${title} has no ready endpoint`, 'look at the pods it selects'],
    noPort: (view) => [`${title} has no TCP port ${port}`, `it has ${portList(view)}`],
  };
}

function ofParent(
  ownNamespace: string,
  { name, namespace = ownNamespace }: OriginEdgeCluster,
  service: OriginService,
  { tls }: OriginGroup,
  parents: ParentLookup,
): Followed {
  const title = `EdgeCluster ${namespace}/${name}`;
  const parent = parents(namespace, name);
  const spec = parent.kind === 'present' ? parent.cluster.spec : undefined;
  return {
    service,
    title,
    port: tls === undefined ? (spec?.listeners.rtmp.port ?? 1935) : (spec?.listeners.rtmps?.port ?? 1443),
    absent:
      parent.kind === 'present'
        ? {
            reason: 'ServiceNotFound',
            words: [
              `${title} has no Service ${namespace}/${service.name} yet`,
              'look at its conditions, and whether it is paused',
            ],
          }
        : {
            reason: 'ParentNotFound',
            words: [`there is no ${title}`, 'create it, or correct spec.origins[].edgeCluster'],
          },
    notPermitted: [
      `${title} does not let EdgeClusters of namespace ${ownNamespace} follow its edges`,
      `who owns it allows it: in its spec.service.annotations, ${ORIGINS_FOR}: ${ownNamespace}`,
    ],
    noEndpoints: [
      `${title} has no ready edge`,
      spec?.replicas === 0 && spec.autoscaling === undefined
        ? 'it is scaled to 0: scale it up'
        : 'look at its conditions',
    ],
    noPort: () =>
      tls === undefined
        ? [`${title} has no port for RTMP at its Service ${namespace}/${service.name}`, 'look at its conditions']
        : [`${title} does not listen for RTMPS`, 'set its spec.listeners.rtmps, or leave tls out of the group'],
  };
}

function portList({ ports }: OriginServiceView): string {
  if (ports.length === 0) return 'none';
  return ports.map(({ name, port }) => (name === '' ? `${port}` : `${port} (${name})`)).join(', ');
}
