/** The table of `vhost { play { } }`. */
import { MW_MSGS_MAX, PLAY } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { choice, decimalMilliseconds, inherited, integer, milliseconds, onOff } from '../values.ts';

export const play = block(
  'Players.',
  {
    gop_cache: leaf({
      type: onOff,
      default: PLAY.gopCache,
      effect: 'new connections',
      doc: 'Begin with the last key frame, so that a new player shows a picture at once, somewhat behind the live edge. Who joins right behind a key frame, before the next merged write, begins with the key frame before that: it has something to play until the write comes. When video has stopped for 10 s while sound goes on (or for twice its longest pause), new players begin with the newest second of sound, and without the headers of video until it comes back. For sound that has stopped it is the same.',
    }),
    gop_cache_max_frames: leaf({
      type: integer(1, 1_000_000, 'messages'),
      default: PLAY.gopCacheMaxFrames,
      effect: 'at once',
      doc: 'Most messages kept for new players, audio and all else counted. Of a longer GOP nobody can be shown anything in step with the others: then the newest second of sound is kept, and new players see from the next key frame on. (Of a stream that sends none in 3,000 frames, and in twice its longest GOP, they get the video as it comes.) See also `gop_cache_max_bytes`.',
    }),
    queue_length: leaf({
      type: integer(1, 3_600, 's'),
      default: PLAY.queueLengthSeconds,
      effect: 'at once',
      doc: 'How far a slow player may fall behind before whole GOPs are dropped for it. Where no key frame waits for it, it goes on with sound, and with video at the next key frame.',
    }),
    time_jitter: leaf({
      type: choice({ full: 'full', zero: 'zero', off: 'off' }),
      default: PLAY.timeJitter,
      effect: 'new connections',
      doc:
        '`full` and `zero`: a player’s time begins at 0. HTTP-FLV players share bytes only if their time began with the ' +
        'same frame, so a stream has 8 such beginnings at most; who comes when all are in use joins the newest one, ' +
        'and its time begins with the age of that (less than a day). `off`: time is the publisher’s, 32 bits of it. ' +
        'With any of them the distance between audio and video is the publisher’s (60 s at most), and the time of a ' +
        'track never runs backwards.',
    }),
    atc: leaf({
      type: onOff,
      default: false,
      effect: 'new connections',
      doc: 'The publisher’s absolute time for all players: `on` means `time_jitter off`.',
    }),
    mw_latency: leaf({
      type: inherited(milliseconds(0)),
      default: undefined,
      defaultText: '`350`; `0` with `min_latency on` (SRS: always 350)',
      effect: 'at once',
      doc:
        'Merged write: frames are gathered for this long and written to all players together. ' +
        'The greater, the cheaper and the later.',
    }),
    mw_msgs: leaf({
      type: inherited(integer(0, MW_MSGS_MAX, 'messages')),
      default: undefined,
      defaultText: '`8`; `0` with `min_latency on`',
      effect: 'at once',
      doc: 'Merged write waits for this many messages too, up to one more `mw_latency`.',
    }),
    send_min_interval: leaf({
      type: decimalMilliseconds,
      default: PLAY.sendMinIntervalMs,
      effect: 'at once',
      doc: 'Least time between two writes to a player. It counts where it is more than `mw_latency`.',
    }),
    reduce_sequence_header: leaf({
      type: onOff,
      default: PLAY.reduceSequenceHeader,
      effect: 'at once',
      doc: 'Leave out sequence headers that repeat the one before.',
    }),
  },
  {
    ignored: {
      atc_auto: 'metadata does not change time_jitter; say atc on',
      mix_correct: 'the edge’s timeline keeps audio and video in order by itself',
    },
  },
);
