/**
 * E-RTMP's ReconnectRequest for players of FLV, which knows no commands: a data message. A browser's player says in its
 * query that it understands (`capsEx=1`). An edge that pulls by HTTP-FLV says it by a header, since its query is the
 * client's, and may be signed. Its key comes back in the request: what publishers write into a stream cannot move it.
 */

import { encodeAmf0, isAmfObject, readAmf0 } from './amf0.ts';
import { MessageType, type RtmpMessage } from './message.ts';
import { reconnectRequestCode } from './server-command.ts';

/** Its value is the key. */
export const reconnectKeyHeader = 'X-Edge-Reconnect';

const name = 'onStatus';

/** The payload of the message. @param key of the edge that is asked; undefined for other players */
export function reconnectRequestData(description: string, key?: string): Buffer {
  const info = { level: 'status', code: reconnectRequestCode, description };
  return encodeAmf0(name, key === undefined ? info : { ...info, key });
}

/** The key in such a header, if it is one. */
export function parseReconnectKey(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w-]{1,64}$/.test(header) ? header : undefined;
}

/** Whether the message asks whoever has given this key. */
export function isReconnectRequest({ type, payload }: Pick<RtmpMessage, 'type' | 'payload'>, key: string): boolean {
  if (type !== MessageType.dataAmf0 || !payload.includes(reconnectRequestCode)) return false;
  const [said, info] = readAmf0(payload).values;
  return said === name && isAmfObject(info) && info.code === reconnectRequestCode && info.key === key;
}
