/** The sound is as loud as it was the last time. */

const storageKey = 'edge-volume';

function remembered() {
  try {
    const { volume, muted } = JSON.parse(localStorage.getItem(storageKey)) ?? {};
    return { volume: volume >= 0 && volume <= 1 ? volume : 1, muted: muted !== false };
  } catch {
    return { volume: 1, muted: true };
  }
}

/** @param stage holds the video elements: events of sound do not bubble, but can be caught on their way down */
export function rememberVolume(stage, video) {
  Object.assign(video, remembered());
  const changed = ({ target }) => {
    // Not a wish of the viewer: the browser did not let it begin with sound.
    if (target.dataset.quiet === 'on' && target.muted) return;
    delete target.dataset.quiet;
    // The one behind, which is to come, is quiet.
    if (target.id === '') return;
    localStorage.setItem(storageKey, JSON.stringify({ volume: target.volume, muted: target.muted }));
  };
  stage.addEventListener('volumechange', changed, { capture: true });
}
