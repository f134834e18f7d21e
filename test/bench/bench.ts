/**
 * The benchmark: our edge beside nginx-rtmp, SRS (where SRS_BIN points at one) and the floor, in one run, in turn.
 * See README.md for what each case means. Linux only: figures come from /proc.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Figures, Settings } from './case.ts';
import { cases } from './cases.ts';
import { prepareTools } from './load.ts';
import { type ServerName, whyAbsent } from './servers.ts';
import { summarize, table } from './table.ts';

function namesOf(onlyNamed: boolean): string[] {
  return cases.filter((each) => (each.onlyNamed ?? false) === onlyNamed).map(({ name }) => name);
}

const USAGE = `usage: node test/bench/bench.ts [options]
  --case NAME,…      only these of: ${namesOf(false).join(', ')};
                     or one that is measured only when it is named: ${namesOf(true).join(', ')}
  --servers NAME,…   only these of: floor, nginx, srs, before, ours
  --seconds N        length of a window (14)
  --windows N        windows in a round (2)
  --rounds N         how often each server has its turn (2)
  --failovers N      interruptions in a failover case (20)
  --minutes N        length of the case soak, for each server (30)
  --edges N          edges of the cases edge-320… (320)
  --origin NAME      what edges pull from: ours (the default), srs or nginx
  --quick            one round of one window of 7 s, 3 interruptions, 3 minutes
  --json FILE        adds the figures of each round to FILE, a line of JSON each
  --keep             keeps configurations and logs`;

const { values: options } = parseArgs({
  options: {
    case: { type: 'string' },
    servers: { type: 'string' },
    seconds: { type: 'string' },
    windows: { type: 'string' },
    rounds: { type: 'string' },
    failovers: { type: 'string' },
    minutes: { type: 'string' },
    edges: { type: 'string' },
    origin: { type: 'string', default: 'ours' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function fail(text: string): never {
  console.error(text);
  process.exit(2);
}

type Counted = 'seconds' | 'windows' | 'rounds' | 'failovers' | 'minutes' | 'edges';

function count(name: Counted, usual: number, quick: number): number {
  const value = Number(options[name] ?? (options.quick ? quick : usual));
  return value > 0 ? value : fail(`--${name} must be a number above 0, not ${options[name]}`);
}

function chosen<Name extends string>(option: string | undefined, all: readonly Name[]): readonly Name[] {
  const names = option?.split(',') ?? all;
  const unknown = names.find((name) => !all.includes(name as Name));
  if (unknown !== undefined) fail(`there is no ${unknown}\n${USAGE}`);
  return all.filter((name) => names.includes(name));
}

if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const caseNames =
  options.case === undefined ? namesOf(false) : chosen(options.case, [...namesOf(false), ...namesOf(true)]);
const serverNames: readonly ServerName[] = chosen(options.servers, ['floor', 'nginx', 'srs', 'before', 'ours']).filter(
  (name) => {
    const reason = whyAbsent(name);
    if (reason) console.error(`without ${name}: ${reason}`);
    return !reason;
  },
);
const folder = mkdtempSync(path.join(os.tmpdir(), 'edge-bench-'));
process.on('exit', () => {
  if (!options.keep) rmSync(folder, { recursive: true, force: true });
});
const settings: Settings = {
  tools: await prepareTools(),
  folder,
  seconds: count('seconds', 14, 7),
  windows: count('windows', 2, 1),
  rounds: count('rounds', 2, 1),
  failovers: count('failovers', 20, 3),
  minutes: count('minutes', 30, 3),
  edges: count('edges', 320, 320),
  origin: chosen(options.origin, ['ours', 'srs', 'nginx'])[0] ?? 'ours',
};
if (options.keep) console.error(`configurations and logs: ${folder}`);
console.log(`${os.cpus().length} × ${os.cpus()[0]?.model.trim()}, Linux ${os.release()}, Node ${process.version}\n`);

let failed = false;
for (const one of cases.filter((each) => caseNames.includes(each.name))) {
  const servers = serverNames.filter((name) => one.servers.includes(name));
  const rounds = new Map<ServerName, Figures[]>(servers.map((name) => [name, []]));
  for (let round = 0; round < (one.once ? 1 : settings.rounds); round++) {
    for (const server of servers) {
      try {
        const figures = await one.measure(server, settings);
        rounds.get(server)?.push(figures);
        if (options.json) {
          const line = { time: new Date().toISOString(), case: one.name, server, round, ...figures };
          appendFileSync(options.json, `${JSON.stringify(line)}\n`);
        }
      } catch (error) {
        failed = true;
        console.error(`${one.name}, ${server}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  const results = new Map<ServerName, Figures>();
  for (const [server, figures] of rounds) if (figures.length > 0) results.set(server, summarize(one, figures));
  if (results.size > 0) console.log(table(one, results));
}
process.exit(failed ? 1 : 0);
