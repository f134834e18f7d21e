/**
 * Enhanced RTMP negotiation (Enhanced RTMP v2, "Enhancing NetConnection connect Command"). We forward media untouched,
 * so we announce everything; what is agreed on with a peer is the intersection.
 */

import { type AmfObject, type AmfValue, isAmfObject } from './amf0.ts';

/** Bits of `capsEx`. */
export const CapsEx = { reconnect: 0x01, multitrack: 0x02, modEx: 0x04, timestampNanoOffset: 0x08 } as const;

/** Bits of the values of `videoFourCcInfoMap` and `audioFourCcInfoMap`. */
const FourCcInfo = { canDecode: 0x01, canEncode: 0x02, canForward: 0x04 } as const;

/** Matches every codec. */
const wildcard = '*';

export interface EnhancedCapabilities {
  /** FourCCs, or `*` for any. */
  readonly fourCcList: readonly string[];
  /** FourCC (or `*`) → bits of `FourCcInfo`. */
  readonly videoFourCcInfoMap: Readonly<Record<string, number>>;
  readonly audioFourCcInfoMap: Readonly<Record<string, number>>;
  /** Bits of `CapsEx`. */
  readonly capsEx: number;
}

/** What we announce. Codecs are listed by name because not every peer knows the wildcard. */
export const ourCapabilities: EnhancedCapabilities = {
  fourCcList: [
    ...['avc1', 'hvc1', 'vvc1', 'av01', 'vp08', 'vp09'],
    ...['mp4a', 'Opus', 'fLaC', 'ac-3', 'ec-3', '.mp3'],
  ],
  videoFourCcInfoMap: { [wildcard]: FourCcInfo.canForward },
  audioFourCcInfoMap: { [wildcard]: FourCcInfo.canForward },
  capsEx: CapsEx.reconnect | CapsEx.multitrack | CapsEx.modEx | CapsEx.timestampNanoOffset,
};

/** What a command object (of `connect`, or of its result) announces; undefined for a peer without Enhanced RTMP. */
export function parseCapabilities(object: AmfObject): EnhancedCapabilities | undefined {
  const { fourCcList, videoFourCcInfoMap, audioFourCcInfoMap, capsEx } = object;
  const announced = [fourCcList, videoFourCcInfoMap, audioFourCcInfoMap, capsEx].some(
    (value) => value !== undefined && value !== null,
  );
  if (!announced) return undefined;
  return {
    fourCcList: stringList(fourCcList),
    videoFourCcInfoMap: numberMap(videoFourCcInfoMap),
    audioFourCcInfoMap: numberMap(audioFourCcInfoMap),
    capsEx: typeof capsEx === 'number' ? capsEx | 0 : 0,
  };
}

/** Strings of a strict array, or of an ECMA array with indexes as keys, which some senders write instead. */
function stringList(value: AmfValue): string[] {
  const items = Array.isArray(value) ? value : isAmfObject(value) ? Object.values(value) : [];
  return items.filter((item) => typeof item === 'string');
}

function numberMap(value: AmfValue): Record<string, number> {
  const map: Record<string, number> = Object.create(null);
  if (isAmfObject(value)) {
    for (const [key, bits] of Object.entries(value)) if (typeof bits === 'number') map[key] = bits | 0;
  }
  return map;
}

/** What two sides have in common. A wildcard on one side takes over the other's list. */
export function intersectCapabilities(a: EnhancedCapabilities, b: EnhancedCapabilities): EnhancedCapabilities {
  const aAny = a.fourCcList.includes(wildcard);
  const bAny = b.fourCcList.includes(wildcard);
  const fourCcList = aAny ? b.fourCcList : bAny ? a.fourCcList : a.fourCcList.filter((f) => b.fourCcList.includes(f));
  return {
    fourCcList,
    videoFourCcInfoMap: intersectMaps(a.videoFourCcInfoMap, b.videoFourCcInfoMap),
    audioFourCcInfoMap: intersectMaps(a.audioFourCcInfoMap, b.audioFourCcInfoMap),
    capsEx: a.capsEx & b.capsEx,
  };
}

/** Codecs that both sides can do something with: what `a` can do with them. */
function intersectMaps(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const common: Record<string, number> = Object.create(null);
  for (const name of names) {
    const ours = bitsFor(a, name);
    const theirs = bitsFor(b, name);
    if (ours !== 0 && theirs !== 0) common[name] = ours;
  }
  return common;
}

/** Own properties only: a peer may well name a codec "constructor". */
function bitsFor(map: Readonly<Record<string, number>>, name: string): number {
  const key = Object.hasOwn(map, name) ? name : wildcard;
  return Object.hasOwn(map, key) ? (map[key] ?? 0) : 0;
}

/** The properties to put into a command object; those that say nothing are left out. */
export function capabilityProperties(capabilities: EnhancedCapabilities): AmfObject {
  const { fourCcList, videoFourCcInfoMap, audioFourCcInfoMap, capsEx } = capabilities;
  const properties: AmfObject = {};
  if (fourCcList.length > 0) properties.fourCcList = [...fourCcList];
  if (Object.keys(videoFourCcInfoMap).length > 0) properties.videoFourCcInfoMap = { ...videoFourCcInfoMap };
  if (Object.keys(audioFourCcInfoMap).length > 0) properties.audioFourCcInfoMap = { ...audioFourCcInfoMap };
  if (capsEx !== 0) properties.capsEx = capsEx;
  return properties;
}
