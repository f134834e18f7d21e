/** The table of `vhost { http_remux { } }`. */
import { HTTP_REMUX } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { flvMount, onOff } from '../values.ts';

export const httpRemux = block(
  'HTTP-FLV, also by WebSocket at the same path; needs `http_server`.',
  {
    enabled: leaf({
      type: onOff,
      default: HTTP_REMUX.enabled,
      effect: 'new connections',
      doc: 'Whether streams of this vhost are played by HTTP.',
    }),
    mount: leaf({
      type: flvMount,
      default: HTTP_REMUX.mount,
      effect: 'new connections',
      doc: 'The path of a stream, with `[vhost]`, `[app]` and `[stream]`. It must end in `.flv`.',
    }),
    has_audio: leaf({
      type: onOff,
      default: HTTP_REMUX.hasAudio,
      effect: 'new connections',
      doc: 'Announce audio in the FLV header, where that is not guessed.',
    }),
    has_video: leaf({
      type: onOff,
      default: HTTP_REMUX.hasVideo,
      effect: 'new connections',
      doc: 'Announce video in the FLV header, where that is not guessed.',
    }),
    guess_has_av: leaf({
      type: onOff,
      default: HTTP_REMUX.guessHasAv,
      effect: 'new connections',
      doc: 'Fill the FLV header by the tracks that have come so far. What the metadata says counts for nothing.',
    }),
    drop_if_not_match: leaf({
      type: onOff,
      default: HTTP_REMUX.dropIfNotMatch,
      effect: 'new connections',
      doc:
        'Leave out audio (or video) that the FLV header does not announce. With `guess_has_av`, not for those who ' +
        'join a stream in its first 2 s, when a track may still come.',
    }),
  },
  { ignored: { fast_cache: 'it concerns MP3 and AAC streams' } },
);
