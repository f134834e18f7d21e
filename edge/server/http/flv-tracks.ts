/**
 * The audio and video flags of an FLV header (FLV 10.1 §E.2), which cannot be changed once they are sent: players
 * that are promised a track wait for it, and those that are not ignore it. Settings as in SRS's `http_remux`.
 */

import type { HttpRemuxConfig } from '../../conf/model.ts';
import type { FlvTracks } from '../../stream/flv-format.ts';
import { Track } from '../../stream/frame.ts';
import type { LiveStream } from '../../stream/live-stream.ts';

export interface FlvPlan {
  /** What the header says. */
  readonly header: FlvTracks;
  /** What is sent: less than everything only with `drop_if_not_match`. */
  readonly sent: FlvTracks;
}

const everything: FlvTracks = { audio: true, video: true };

/** A stream is new for so long: tracks that it has may not have come yet. */
const newMs = 2_000;

/** To be asked when the first bytes are due: what the stream has is known by then. */
export function planTracks(remux: HttpRemuxConfig, stream: LiveStream): FlvPlan {
  const header = remux.guessHasAv ? guess(stream) : { audio: remux.hasAudio, video: remux.hasVideo };
  // What is missing from a guess about a new stream may still come. It must not be lost for that.
  const sure = !remux.guessHasAv || stream.ageMs > newMs;
  return { header, sent: remux.dropIfNotMatch && sure ? header : everything };
}

/**
 * The tracks that frames have come of; of a new stream also those whose sequence header has come, because its first
 * bytes may be of one track only. What the metadata says counts for nothing: encoders without a microphone announce
 * audio, too, and a player then waits for it.
 */
function guess(stream: LiveStream): FlvTracks {
  const audio = stream.hasMedia(Track.audio);
  const video = stream.hasMedia(Track.video);
  if (stream.ageMs > newMs) return { audio, video };
  return { audio: audio || stream.hasAudio, video: video || stream.hasVideo };
}
