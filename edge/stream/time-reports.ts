/** What is told of a source whose times are odd. */

import { Track } from './frame.ts';
import type { StreamReports } from './stream-reports.ts';

export function oddFrames(reports: StreamReports, stream: string, track: Track, frames: number): void {
  reports.oddFrames(frames);
  const fields = { stream, track: trackName(track), frames };
  reports.warn(fields, 'frames dropped: their times do not follow their track');
}

/** @param track undefined for both */
export function clockJumped(reports: StreamReports, stream: string, track: Track | undefined): void {
  reports.warn({ stream, track: track === undefined ? 'all' : trackName(track) }, 'the clock of the source jumped');
}

export function tooFarApart(reports: StreamReports, stream: string, track: Track, distanceMs: number): void {
  const fields = { stream, track: trackName(track), distanceMs };
  reports.warn(fields, 'audio and video are more than 60 s apart: 60 s are kept');
}

function trackName(track: Track): string {
  return track === Track.video ? 'video' : 'audio';
}
