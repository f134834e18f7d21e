/**
 * Who a server says it is: SRS servers tell each other in `connect` and its result (`debug_srs_upnode`), so that their
 * logs can be read together.
 */

import { type AmfValue, isAmfObject } from './amf0.ts';

export interface ServerIdentity {
  readonly ip: string | number | undefined;
  readonly pid: string | number | undefined;
  readonly id: string | number | undefined;
  readonly version: string | number | undefined;
}

/** Characters of each: they go into a log line. */
const textMaxLength = 64;

/** Reads the identity in an information object; undefined where there is none. */
export function identityOf(info: AmfValue): ServerIdentity | undefined {
  if (!isAmfObject(info) || !('srs_pid' in info)) return undefined;
  const { srs_server_ip: ip, srs_pid: pid, srs_id: id, srs_version: version } = info;
  return { ip: brief(ip), pid: brief(pid), id: brief(id), version: brief(version) };
}

function brief(value: AmfValue): string | number | undefined {
  if (typeof value === 'string') return value.slice(0, textMaxLength);
  return typeof value === 'number' ? value : undefined;
}
