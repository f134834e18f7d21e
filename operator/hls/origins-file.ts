/** The operator's list of origins, as the ConfigMap has it. */
import type { HlsGroup } from '../render/hls/upstreams.ts';

/** Throws TypeError with what is wrong with the text. */
export function parseOriginsFile(text: string): readonly HlsGroup[] {
  const value: unknown = JSON.parse(text);
  const groups: unknown = isObject(value) ? value.groups : undefined;
  if (!Array.isArray(groups)) throw new TypeError('the list of origins has no "groups"');
  return groups.map(parseGroup);
}

function parseGroup(value: unknown): HlsGroup {
  const { name, order, servers, lastResort } = isObject(value) ? value : {};
  if (typeof name !== 'string' || !/^[a-z0-9-]+$/.test(name)) throw new TypeError(`a group of origins has no name`);
  if (order !== 'hash' && order !== 'failover') throw new TypeError(`group ${name}: order is hash or failover`);
  if (!Array.isArray(servers) || !servers.every(isAddress)) throw new TypeError(`group ${name}: servers are host:port`);
  if (lastResort !== undefined && !isAddress(lastResort)) throw new TypeError(`group ${name}: lastResort is host:port`);
  return { name, order, servers, ...(lastResort !== undefined && { lastResort }) };
}

/** What is written into nginx's configuration comes from here: nothing but a host and a port. */
function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/.test(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
