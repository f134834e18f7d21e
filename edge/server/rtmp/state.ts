/**
 * What an RTMP client is doing. Each state has what the next steps need.
 */

import type { Admitted, Connected } from './admission.ts';
import type { Playing } from './playing.ts';
import type { Publishing } from './publishing.ts';

export type State =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly connected: Connected }
  | Playing
  | Publishing
  /** It has been told goodbye: what it still sends is thrown away. */
  | { readonly kind: 'leaving'; readonly connected: Connected | undefined }
  | { readonly kind: 'closed' };

/** The stream that is played or published in this state. */
export function admittedOf(state: State): Admitted | undefined {
  return state.kind === 'playing' || state.kind === 'publishing' ? state.admitted : undefined;
}

/** The application that the client has asked for. */
export function connectedOf(state: State): Connected | undefined {
  switch (state.kind) {
    case 'connected':
    case 'leaving':
      return state.connected;
    case 'playing':
    case 'publishing':
      return state.admitted.connected;
    default:
      return undefined;
  }
}
