/** The environment of a container: its own variables, those that come from the pod and from ConfigMaps and Secrets. */

import type { V1ConfigMap, V1Container, V1EnvVar, V1Pod, V1Secret } from '@kubernetes/client-node';
import type { KubeClient } from '../kubernetes-client.ts';

export type Variables = Readonly<Record<string, string>>;

/**
 * @param base what every container has, such as PATH
 * @throws Error for a ConfigMap or Secret that isn't there, and for what kubelets offer and this one does not
 */
export async function environmentOf(
  client: KubeClient,
  pod: V1Pod,
  container: V1Container,
  base: Variables,
): Promise<Variables> {
  const variables: Record<string, string> = { ...base };
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined ? variable.value : await lookUp(client, pod, container, variable);
    if (value === undefined) continue;
    variables[variable.name] = expand(value, variables);
  }
  return variables;
}

/** `$(NAME)` of variables that are known, `$$` for a dollar sign; all else stays. */
function expand(text: string, variables: Variables): string {
  return text.replaceAll(/\$\$|\$\(([^)]+)\)/g, (all, name?: string) => {
    if (name === undefined) return '$';
    return variables[name] ?? all;
  });
}

/** A field of the pod as `fieldRef` names it, such as `metadata.labels['app']`. */
export function podField(pod: V1Pod, path: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (key !== undefined) return pod.metadata?.[map as 'labels' | 'annotations']?.[key] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata?.name ?? '';
    case 'metadata.namespace':
      return pod.metadata?.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata?.uid ?? '';
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.podIP':
    case 'status.podIPs':
      return pod.status?.podIP ?? '';
    case 'status.hostIP':
      return pod.status?.hostIP ?? '';
    default:
      throw new Error(`this kubelet knows no field ${path}`);
  }
}

async function lookUp(
  client: KubeClient,
  pod: V1Pod,
  container: V1Container,
  { name, valueFrom }: V1EnvVar,
): Promise<string | undefined> {
  const namespace = `/api/v1/namespaces/${pod.metadata?.namespace}`;
  if (valueFrom?.fieldRef !== undefined) return podField(pod, valueFrom.fieldRef.fieldPath);
  if (valueFrom?.configMapKeyRef !== undefined) {
    const { name: map, key, optional } = valueFrom.configMapKeyRef;
    const found = await client.find<V1ConfigMap>(`${namespace}/configmaps/${map}`);
    return orMissing(found?.data?.[key], optional, `ConfigMap ${map}, key ${key}`);
  }
  if (valueFrom?.secretKeyRef !== undefined) {
    const { name: secret, key, optional } = valueFrom.secretKeyRef;
    const data = (await client.find<V1Secret>(`${namespace}/secrets/${secret}`))?.data?.[key];
    const value = data === undefined ? undefined : Buffer.from(data, 'base64').toString();
    return orMissing(value, optional, `Secret ${secret}, key ${key}`);
  }
  if (valueFrom?.resourceFieldRef !== undefined) return resourceField(container, valueFrom.resourceFieldRef.resource);
  throw new Error(`variable ${name} has no source`);
}

function orMissing(value: string | undefined, optional: boolean | undefined, what: string): string | undefined {
  if (value === undefined && optional !== true) throw new Error(`missing: ${what}`);
  return value;
}

/** In cores, rounded up, or in bytes. */
function resourceField(container: V1Container, resource: string): string {
  const [list, name = ''] = resource.split('.');
  const text = container.resources?.[list as 'limits' | 'requests']?.[name] ?? '';
  const [, digits = '0', unit = ''] = /^([\d.]+)([a-zA-Z]*)$/.exec(text) ?? [];
  const factors: Record<string, number> = { m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };
  return String(Math.ceil(Number(digits) * (factors[unit] ?? 1)));
}
