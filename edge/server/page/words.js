/** Figures as people read them. */

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });

/** What stands where nothing is known. */
export const none = '–';

/** @param kbps kilobits per second; null when they are not known */
export function rate(kbps) {
  if (kbps === null || kbps === undefined) return none;
  return kbps < 1000 ? `${Math.round(kbps)} kb/s` : `${number.format(kbps / 1000)} Mb/s`;
}

export function bytes(count) {
  if (count === null || count === undefined) return none;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return `${number.format(count / 1000 ** power)} ${units[power]}`;
}

export function time(ms) {
  if (ms === null || ms === undefined) return none;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${number.format(ms / 1000)} s`;
}

/** The two largest units. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** Time of day, with the day if it was another one. @param ms since the epoch */
export function moment(ms) {
  const at = new Date(ms);
  const today = at.toDateString() === new Date().toDateString();
  return today ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
}

export function share(part) {
  return `${number.format(part * 100)} %`;
}

export function count(amount, noun) {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

/** A stream's video in words; null when it has shown none. */
export function videoWords(video) {
  if (video === null) return null;
  const { codec, profile, level, width, height } = video;
  const details = [profile, level].filter((each) => each !== 'Other').join(' ');
  const size = width > 0 && height > 0 ? `, ${width} × ${height}` : '';
  return `${codec}${details === '' ? '' : ` ${details}`}${size}`;
}

export function audioWords(audio) {
  if (audio === null) return null;
  const { codec, profile, sample_rate: hertz, channel } = audio;
  const parts = [profile === 'Other' ? codec : `${codec} ${profile}`];
  if (hertz > 0) parts.push(`${number.format(hertz / 1000)} kHz`);
  if (channel > 0) parts.push(channel === 1 ? 'mono' : channel === 2 ? 'stereo' : `${channel} channels`);
  return parts.join(', ');
}
