/**
 * The audio and video flags of an FLV header (FLV 10.1 §E.2), which cannot be changed once they are sent: players
 * that are promised a track wait for it, and those that are not ignore it. Settings as in SRS's `http_remux`.
 */

import type { HttpRemuxConfig } from '../../conf/model.ts';
import { AmfError, decodeAmf0, isAmfObject } from '../../rtmp/amf0.ts';
import type { FlvTracks } from '../../stream/flv-format.ts';
import { Track } from '../../stream/frame.ts';
import type { HeaderSet } from '../../stream/headers.ts';
import type { LiveStream } from '../../stream/live-stream.ts';

export interface FlvPlan {
  /** What the header says. */
  readonly header: FlvTracks;
  /** What is sent: less than everything only with `drop_if_not_match`. */
  readonly sent: FlvTracks;
}

/** To be asked when the first bytes are due: what the stream has is known by then. */
export function planTracks(remux: HttpRemuxConfig, stream: LiveStream): FlvPlan {
  const header = remux.guessHasAv ? guess(stream) : { audio: remux.hasAudio, video: remux.hasVideo };
  return { header, sent: remux.dropIfNotMatch ? header : { audio: true, video: true } };
}

/** A stream is new for so long: tracks that it only announces may still come. */
const newMs = 2_000;

/**
 * The tracks that frames have come of; of a new stream also those that headers or metadata announce, because its first
 * bytes may be of one track only. (SRS looks at the first messages alone.) Later nothing announced is believed:
 * encoders without a microphone announce audio, too.
 */
function guess(stream: LiveStream): FlvTracks {
  const audio = stream.hasMedia(Track.audio);
  const video = stream.hasMedia(Track.video);
  if (stream.ageMs > newMs) return { audio, video };
  const announced = announcedTracks(stream.headers);
  return {
    audio: audio || stream.hasAudio || announced.audio,
    video: video || stream.hasVideo || announced.video,
  };
}

/** The tracks that onMetaData names by their codecs (FLV 10.1 §E.5). */
function announcedTracks(headers: HeaderSet): FlvTracks {
  const metadata = readMetadata(headers);
  const has = (name: string): boolean => typeof metadata[name] === 'string' || Number(metadata[name] ?? 0) > 0;
  return { audio: has('audiocodecid'), video: has('videocodecid') };
}

/** The properties of onMetaData; none when there is none that can be read. */
export function readMetadata(headers: HeaderSet): Readonly<Record<string, unknown>> {
  const frame = headers.frames.find(({ role }) => role === 'metadata');
  if (frame === undefined) return {};
  try {
    const value = decodeAmf0(frame.payload)[1];
    return isAmfObject(value) ? value : {};
  } catch (error) {
    if (error instanceof AmfError) return {};
    throw error;
  }
}
