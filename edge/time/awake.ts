/**
 * The time in which this process could run. While it was stopped (SIGSTOP) or starved (a throttled cgroup, a loop of
 * its own), others went on sending, but nobody read them: such time must not count against them.
 */

const tickMs = 100;

/** Between two ticks at most this much counts: a tick that comes a little late is normal. */
const countedMaxMs = 2 * tickMs;

const watchers = new Set<(lateMs: number) => void>();
let countedMs = 0;
let lastTickMs = performance.now();

function sinceTickMs(nowMs: number): number {
  return Math.min(nowMs - lastTickMs, countedMaxMs);
}

setInterval(() => {
  const nowMs = performance.now();
  const lateMs = Math.max(0, nowMs - lastTickMs - tickMs);
  countedMs += sinceTickMs(nowMs);
  lastTickMs = nowMs;
  for (const told of watchers) told(lateMs);
}, tickMs).unref();

/**
 * Monotonic milliseconds in which this process could run. Compare only with other values of this function: it falls
 * behind `performance.now()` with every moment in which the process was held up.
 */
export function awakeNow(): number {
  return countedMs + sinceTickMs(performance.now());
}

/** Tells ten times a second how late the event loop came to its timers. Returns what ends it. */
export function watchLateness(told: (lateMs: number) => void): () => void {
  watchers.add(told);
  return () => watchers.delete(told);
}
