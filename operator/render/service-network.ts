/** What both Services of an EdgeCluster have in common: their families of addresses, and which edges are preferred. */
import type { V1ServiceSpec } from '@kubernetes/client-node';
import type { EdgeCluster } from '../api/types.ts';

export function networkOf({
  spec,
}: EdgeCluster): Pick<V1ServiceSpec, 'ipFamilies' | 'ipFamilyPolicy' | 'trafficDistribution'> {
  const { ipFamilies, ipFamilyPolicy, trafficDistribution } = spec.service;
  return {
    ...(ipFamilies !== undefined && { ipFamilies: [...ipFamilies] }),
    ...(ipFamilyPolicy !== undefined && { ipFamilyPolicy }),
    ...(trafficDistribution !== undefined && { trafficDistribution }),
  };
}
