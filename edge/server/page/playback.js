/** One attempt to play a stream: mpegts.js on a video element, and in words why it came to an end. */

/** E-RTMP's name for it. The edge sends it to players that say `capsEx=1`. */
const reconnectCode = 'NetConnection.Connect.ReconnectRequest';

const whyTimeoutMs = 10_000;

/**
 * @param playing called once it moves
 * @param asked called when the edge asks to reconnect
 * @param ended called when nothing more comes, with what mpegts.js says of it
 * @param stalled called with `true` when it has to wait while it plays, and with `false` when it goes on
 */
export function openPlayback(url, video, { playing, asked, ended, stalled }) {
  const player = mpegts.createPlayer(
    { type: 'flv', isLive: true, url },
    { liveSync: true, enableStashBuffer: false, autoCleanupSourceBuffer: true },
  );
  player.on(mpegts.Events.ERROR, (type, detail, info) => ended({ type, detail, status: info?.code }));
  player.on(mpegts.Events.LOADING_COMPLETE, () => ended({ type: 'end' }));
  player.on(mpegts.Events.SCRIPTDATA_ARRIVED, ({ onStatus }) => {
    if (onStatus?.code === reconnectCode) asked();
  });
  const listening = new AbortController();
  const { signal } = listening;
  // Unlike callbacks for frames, this comes in a hidden tab and for sound alone, too.
  let beginSeconds;
  let isPlaying = false;
  const moved = () => {
    beginSeconds ??= video.currentTime;
    if (isPlaying || video.currentTime <= beginSeconds) return;
    isPlaying = true;
    playing();
  };
  video.addEventListener('timeupdate', moved, { signal });
  video.addEventListener('waiting', () => isPlaying && stalled(true), { signal });
  video.addEventListener('playing', () => stalled(false), { signal });
  player.attachMediaElement(video);
  player.load();
  start(player, video);
  return {
    video,
    get figures() {
      return { ...player.statisticsInfo, ...player.mediaInfo };
    },
    close() {
      listening.abort();
      player.destroy();
    },
  };
}

/** Browsers do not let a page begin with sound before somebody has clicked in it. */
function start(player, video) {
  player.play()?.catch((error) => {
    if (error.name !== 'NotAllowedError' || video.muted) return;
    video.dataset.quiet = 'on';
    video.muted = true;
    player.play()?.catch(() => {});
  });
}

/**
 * Why a stream cannot be played, in words, and whether to try again. By WebSocket, and where a connection broke, a
 * browser does not tell: the same is asked by HTTP then.
 *
 * @param url of the stream
 * @param end what `ended` was called with
 */
export async function whyNot(url, { type, detail, status }) {
  if (type === 'MediaError') {
    return { text: `This browser cannot play this stream (${detail}).`, final: true };
  }
  const answer = await ask(url);
  if (answer === undefined) return { text: 'The edge does not answer. It is tried again by itself.', final: false };
  const code = answer.status === 200 ? status : answer.status;
  const reason = answer.text === '' ? '' : ` The edge says: ${answer.text}`;
  switch (code) {
    case 401:
    case 403:
      return { text: `The edge refuses this stream.${reason}`, final: true };
    case 404:
      return { text: `There is no such stream now.${reason} It is tried again by itself.`, final: false };
    case 400:
      return { text: `This is no path of a stream.${reason}`, final: true };
    default:
      return code >= 300
        ? {
            text: `The edge cannot serve this stream now (${code}).${reason} It is tried again by itself.`,
            final: false,
          }
        : { text: 'The stream has ended. It is tried again by itself.', final: false };
  }
}

/** What the edge answers; undefined when it does not. */
async function ask(url) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), whyTimeoutMs);
  try {
    const response = await fetch(url.replace(/^ws/, 'http'), { signal: stop.signal, credentials: 'omit' });
    const text = response.ok ? '' : sentence(await response.text());
    return { status: response.status, text };
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    // What it streams is not wanted.
    stop.abort();
  }
}

function sentence(text) {
  const line = text.trim().slice(0, 200);
  return line === '' || line.startsWith('<') ? '' : `${line.replace(/\.$/, '')}.`;
}
