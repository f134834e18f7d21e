/** The addresses of a Service's endpoints, as its slices show them. */

import type { EndpointsView, EndpointView } from './views.ts';

interface FoundEndpoint {
  readonly endpoint: EndpointView;
  readonly family: string;
  readonly port: number;
}

/** @param servicePort for slices without ports, as a Service without ports has them: every port is meant */
function endpointsOf(slices: readonly EndpointsView[], portName: string, servicePort: number): FoundEndpoint[] {
  return slices.flatMap(({ ports, family, endpoints }) => {
    const port = ports.find(({ name }) => name === portName);
    if (port === undefined && ports.length > 0) return [];
    return endpoints.map((endpoint) => ({ endpoint, family, port: port?.port ?? servicePort }));
  });
}

/** Of all endpoints, also of those that serve nobody. */
export function addressesOf(slices: readonly EndpointsView[], portName: string, servicePort: number): string[] {
  return endpointsOf(slices, portName, servicePort).map(addressOf);
}

function addressOf({ endpoint, port }: FoundEndpoint): string {
  return `${bracketed(endpoint.address)}:${port}`;
}

/**
 * Ready endpoints; without any, those that end but still serve. Of a Service with two IP families, one: the same pods
 * stand in the slices of both, and an origin must not be counted twice.
 */
export function usableAddresses(
  slices: readonly EndpointsView[],
  preferred: string | undefined,
  portName: string,
  servicePort: number,
): string[] {
  const found = endpointsOf(slices, portName, servicePort);
  for (const state of ['ready', 'draining'] as const) {
    const usable = found.filter(({ endpoint }) => endpoint.state === state);
    const families = new Set(usable.map(({ family }) => family));
    const family = [preferred, 'IPv4', 'IPv6'].find((family) => family !== undefined && families.has(family));
    const chosen = family === undefined ? usable : usable.filter((one) => one.family === family);
    if (chosen.length === 0) continue;
    return unique(chosen.toSorted((a, b) => byPod(a.endpoint, b.endpoint) || a.port - b.port).map(addressOf));
  }
  return [];
}

const collator = new Intl.Collator('en', { numeric: true });

/** By the pods' own names where they have them: those outlive their addresses. */
function byPod(a: EndpointView, b: EndpointView): number {
  return collator.compare(a.hostname, b.hostname) || collator.compare(a.address, b.address);
}

/** As a part of `host:port`. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
