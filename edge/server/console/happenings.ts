/** What an operator wants to know of, and how it is said in words. */

import { defaultVhost } from '../../rtmp/names.ts';

/** `stream` is a stream's key: vhost, app and name. */
export type Happening =
  | { readonly kind: 'started'; readonly version: string }
  /** A stream goes on from another origin. `gapMs` is how long its players had no frame. */
  | {
      readonly kind: 'switch';
      readonly stream: string;
      readonly from: string;
      readonly to: string;
      readonly gapMs: number;
    }
  /** A stream that is published here goes on to another origin. */
  | { readonly kind: 'push switch'; readonly stream: string; readonly from: string; readonly to: string }
  | { readonly kind: 'origin'; readonly origin: string; readonly state: string; readonly reason: string }
  /** A client was not let play or publish. */
  | { readonly kind: 'refusal'; readonly ip: string; readonly stream: string; readonly reason: string }
  /** Something that is only counted has risen: connections turned away, wrong credentials, media given up. */
  | { readonly kind: 'limit'; readonly what: string; readonly reason: string }
  | { readonly kind: 'disconnect'; readonly ip: string; readonly stream: string }
  | { readonly kind: 'move'; readonly asking: number; readonly withinMs: number }
  | { readonly kind: 'drain'; readonly clients: number }
  | { readonly kind: 'reload'; readonly changes: number; readonly needsRestart: readonly string[] }
  | { readonly kind: 'reload failed'; readonly reason: string };

export type Kind = Happening['kind'];

/** One sentence. @param times how often it happened */
export function inWords(happening: Happening, times: number): string {
  switch (happening.kind) {
    case 'started':
      return `The edge started (version ${happening.version}).`;
    case 'switch':
      return `${shown(happening.stream)} ${way(happening)}: players had no frame for ${happening.gapMs} ms.`;
    case 'push switch':
      return `${shown(happening.stream)}, published here, ${way(happening)}.`;
    case 'origin':
      return originWords(happening);
    case 'refusal':
      return refusalWords(happening, times);
    case 'limit':
      return `${happening.what}: ${times} (${happening.reason}).`;
    case 'disconnect':
      return `${clientOf(happening)} was disconnected through the API.`;
    case 'move':
      return `${count(happening.asking, 'player')} will be asked to go to other edges within ${Math.round(happening.withinMs / 1000)} s.`;
    case 'drain':
      return `The edge is draining: ${count(happening.clients, 'client')} may finish.`;
    case 'reload':
      return reloadWords(happening);
    case 'reload failed':
      return `A reload failed, the former configuration stays in force: ${happening.reason}`;
  }
}

function way({ from, to }: { readonly from: string; readonly to: string }): string {
  return from === to ? `goes on at ${to}` : `went from ${from} to ${to}`;
}

function originWords({ origin, state, reason }: Happening & { kind: 'origin' }): string {
  return reason === '' ? `Origin ${origin} is ${state}.` : `Origin ${origin} is ${state}: ${reason}.`;
}

function refusalWords(refusal: Happening & { kind: 'refusal' }, times: number): string {
  if (times === 1) return `${clientOf(refusal)} was refused: ${refusal.reason}.`;
  return `${times} clients were refused: ${refusal.reason}. The last was ${clientOf(refusal)}.`;
}

function reloadWords({ changes, needsRestart }: Happening & { kind: 'reload' }): string {
  const what = changes === 0 ? 'nothing has changed' : `${count(changes, 'change')}`;
  const rest = needsRestart.length === 0 ? '' : `; waiting for a restart: ${needsRestart.join(', ')}`;
  return `The configuration was reloaded: ${what}${rest}.`;
}

/** Nobody knows the default vhost by its name. */
function shown(stream: string): string {
  return stream.startsWith(`${defaultVhost}/`) ? stream.slice(defaultVhost.length) : stream;
}

function clientOf({ ip, stream }: { readonly ip: string; readonly stream: string }): string {
  return stream === '' ? ip : `${ip} at ${shown(stream)}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
