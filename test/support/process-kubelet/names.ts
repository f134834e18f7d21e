/**
 * Names of Services as a hosts file: they lead straight to ready end points, which is cluster DNS and kube-proxy in one
 * for everybody who asks for the port that the pod listens on.
 */

import { writeFileSync } from 'node:fs';
import type { KubernetesObject, V1EndpointSlice } from '@kubernetes/client-node';
import type { KubeClient } from '../kubernetes-client.ts';

/** Keeps the file up to date until aborted. It is written in place: whoever has it mounted sees it. */
export async function followNames(
  client: KubeClient,
  file: string,
  fixed: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const slices = new Map<string, V1EndpointSlice>();
  const write = (): void => writeFileSync(file, hostsText([...slices.values()], fixed));
  write();
  await client.follow<V1EndpointSlice & KubernetesObject>(
    '/apis/discovery.k8s.io/v1/endpointslices',
    signal,
    (slice, deleted) => {
      const uid = slice.metadata?.uid ?? '';
      if (deleted) slices.delete(uid);
      else slices.set(uid, slice);
      write();
    },
  );
}

/** @param fixed addresses by name */
function hostsText(slices: readonly V1EndpointSlice[], fixed: Readonly<Record<string, string>>): string {
  const lines = ['127.0.0.1 localhost', ...Object.entries(fixed).map(([name, address]) => `${address} ${name}`)];
  for (const { metadata, endpoints } of slices) {
    const service = metadata?.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const name = `${service}.${metadata?.namespace}`;
    for (const { addresses, conditions } of endpoints ?? []) {
      if (conditions?.ready === false) continue;
      for (const address of addresses) lines.push(`${address} ${name} ${name}.svc ${name}.svc.cluster.local`);
    }
  }
  return `${lines.join('\n')}\n`;
}
