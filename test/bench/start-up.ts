/**
 * From the start of the process until it accepts connections, and what it takes at rest.
 */
import { type Case, milliseconds, type Settings } from './case.ts';
import { median, percentile, processorTime, residentBytes } from './measure.ts';
import { scope } from './scope.ts';
import { type ServerName, startServer } from './servers.ts';

const STARTS = 20;
/** Nobody listens there: what is measured is the edge alone. */
const NO_ORIGIN = 1;

interface Start {
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

async function startOnce(name: ServerName, settings: Settings): Promise<Start> {
  return await scope(async (own) => {
    const duty = { kind: 'edge', minLatency: false, origins: [NO_ORIGIN] } as const;
    const began = performance.now();
    const { program } = own(await startServer(name, duty, settings.tools, settings.folder));
    const readyMs = performance.now() - began;
    const { userMs, systemMs } = processorTime(program.pid);
    return { readyMs, cpuMs: userMs + systemMs, residentBytes: residentBytes(program.pid) };
  });
}

export const startUp: Case = {
  name: 'start',
  title: `from the start of the process until it listens, ${STARTS} starts`,
  servers: ['nginx', 'srs', 'before', 'ours'],
  columns: {
    p50: milliseconds('ready p50', 0),
    p99: milliseconds('p99', 0),
    cpu: milliseconds('CPU time p50', 0),
    rss: { title: 'RSS when ready, MB', digits: 0, over: 'max' },
  },
  compare: 'p50',
  once: true,
  measure: async (name, settings) => {
    const starts: Start[] = [];
    for (let i = 0; i < STARTS; i++) starts.push(await startOnce(name, settings));
    const ready = starts.map((each) => each.readyMs);
    return {
      p50: median(ready),
      p99: percentile(ready, 0.99),
      cpu: median(starts.map((each) => each.cpuMs)),
      rss: Math.max(...starts.map((each) => each.residentBytes)) / 1e6,
    };
  },
};
