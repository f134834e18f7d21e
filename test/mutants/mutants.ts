/**
 * Changes the edge's code in thousands of small ways and looks whether a test notices (mutation testing, by Stryker).
 * What survives is code that no test holds in place.
 *
 *     node test/mutants/mutants.ts [PART ...]      parts: see below; all of them by default
 *     SAMPLE=90 node test/mutants/mutants.ts       each ninetieth stretch of the code: some 10 to 20 changes of a part
 *     FILES=amf3,url node test/mutants/mutants.ts rtmp   only files with one of these in their path
 *
 * What was noticed on 27 November 2026, on two cores, beside other work:
 *
 *     rtmp         whole      1775 of 2026   87.6 %   28 minutes, 30 time-outs
 *     sources      whole      1011 of 1236   81.8 %   20 minutes, 16 time-outs
 *     players      whole      1194 of 1481   80.6 %   27 minutes, some of them stopped for benchmarks
 *     origins      whole      1120 of 1588   70.5 %   47 minutes, much of them for some 120 time-outs
 *     connections  whole       608 of 828    73.4 %   45 minutes, at the lowest priority
 *     routes       SAMPLE=90     3 of 11     27.3 %    6 minutes
 *
 * In `origins`, four files (endpoints.ts, verdict.ts, first-frames.ts, push-run.ts) were then tried again, with tests that
 * had not been among them, or are newer: 183 of 215 instead of 67.
 * In `players`, six were tried again with newer tests (frame-packer.ts, open-slice.ts, rtmp-shared-run.ts, player.ts,
 * live-stream.ts, slice.ts): 725 of 773 instead of 592 of 794, in 15 minutes, 3 time-outs.
 * Many tests are newer than these figures. Of `sources` and of those six, what is left is mostly texts, limits met exactly,
 * short cuts, and code that is as right without what was taken away. Weakest: time-reports.ts 5 of 20 (texts). What had
 * survived in `origins` was gone through by hand: of 175 changes in origin-health.ts, origin-lookup.ts, turns.ts and
 * push-sight.ts 158 are noticed now or their code is gone, of 69 in locator.ts and origins.ts 66.
 * Of `connections`, four files (address.ts, host-lookup.ts, origin-tls.ts, shared-reads.ts) had been tried without the tests
 * that are theirs: with these 120 of 131 instead of 56.
 * Of `routes` each change is tried with tests that take a minute, so that the whole would take days. Six of the eight that
 * survived concern one line, which logs a mistake of ours that has never been seen.
 * Stryker is fetched by npm when it is needed: it is larger than all other packages of the project together, and neither
 * the edge nor its tests need it.
 */

import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const strykerVersion = '10.0.0';

/** Lines of a stretch: a sample takes it whole or not at all. */
const stretchLines = 10;

interface Part {
  readonly files: readonly string[];
  /** Only these run: those that are nearest to the code, and quick. */
  readonly tests: readonly string[];
  /**
   * `near`: a change is tried with the tests that come by it. `all`: with all of them, one file after the other, as what
   * happens in edges that are processes of their own is not seen.
   */
  readonly tried: 'near' | 'all';
}

/** What finds origins and keeps streams going: seen only where edges and origins run. */
const routeFiles = globSync([
  'edge/upstream/pull/{candidates,pull,puller,pull-*,asker}.ts',
  'edge/upstream/push/{push,pusher,push-route,push-search,push-losses,push-memory}.ts',
  'edge/upstream/connection/{client-options,conversation,flv-client,pull-client,replies,rtmp-client,wire}.ts',
  'edge/upstream/tokens/*.ts',
  'edge/upstream/{context,upstream}.ts',
]);

/** Where streams come from, and what time it is in them. */
const sourceFiles = globSync(
  'edge/stream/{checksum,early-frames,feed,frame,header-room,headers,history,hub,intake,local-publication,name,publication,request,splice,time-reports,timeline,traces,track-clock}.ts',
);

const sourceTests = globSync(
  'test/stream/{checksum,distance,frame,header-room,headers,history,hub,interleave,live-stream,mode-change,name,odd-run,override,splice,timeline,traces}.test.ts',
);

const connectionFiles = globSync(['edge/upstream/connection/*.ts', 'edge/net/host-lookup.ts']);

const connectionTests = globSync([
  'test/net/host-lookup.test.ts',
  'test/upstream/{address,descriptors,errors,families,flv-answer,http-pings,http-request,origin-keys,origin-tls,request,shared-reads,socket,watchdog}.test.ts',
]);

const parts: Readonly<Record<string, Part>> = {
  rtmp: { files: globSync('edge/rtmp/**/*.ts'), tests: ['test/rtmp/*.test.ts'], tried: 'near' },
  sources: { files: sourceFiles, tests: sourceTests, tried: 'near' },
  // What brings streams to players.
  players: {
    files: without(globSync('edge/stream/**/*.ts'), sourceFiles),
    tests: [
      ...without(globSync('test/stream/*.test.ts'), sourceTests),
      ...globSync('test/stream/{live-stream,hub}.test.ts'),
    ],
    tried: 'near',
  },
  connections: { files: without(connectionFiles, routeFiles), tests: connectionTests, tried: 'near' },
  // Which origins there are, and which of them is asked next.
  origins: {
    files: without(globSync('edge/upstream/**/*.ts'), [...connectionFiles, ...routeFiles]),
    // What HTTP answers say of a stream is seen there, too.
    tests: [...without(globSync('test/upstream/*.test.ts'), connectionTests), 'test/upstream/flv-answer.test.ts'],
    tried: 'near',
  },
  routes: {
    files: routeFiles,
    tests: ['failover-players', 'failover-publishers', 'locator', 'push-trouble', 'refusals', 'flv-pull'].map(
      (name) => `test/e2e/${name}.test.ts`,
    ),
    tried: 'all',
  },
};

function without(files: readonly string[], others: readonly string[]): string[] {
  return files.filter((file) => !others.includes(file));
}

const cache = '.cache/mutants';

/** Some changes make memory grow without end: such a process ends, and not the machine. */
const memoryMaxKb = 3_000_000;

/** The same files are run thousands of times: they are compiled once. A fifth of the inputs shows nearly as much as all. */
const environment = { NODE_COMPILE_CACHE: resolve(cache, 'compiled'), PROPERTY_SHARE: '0.2' };

/** A test that a change keeps waiting has noticed it. */
const nodeArgs = ['--test-reporter=tap', '--test-timeout=15000'];

/** Every `step`th stretch of the files, counted over all of them. */
function sampled(files: readonly string[], step: number): string[] {
  const chosen: string[] = [];
  let stretch = 0;
  for (const file of [...files].sort()) {
    const lines = readFileSync(file, 'utf8').split('\n').length;
    for (let line = 1; line <= lines; line += stretchLines)
      if (stretch++ % step === 0) chosen.push(`${file}:${line}-${Math.min(line + stretchLines - 1, lines)}`);
  }
  return chosen;
}

/** One stretch in so many is changed. @throws Error for what is no such number */
function oneIn(sample = '1'): number {
  if (/^[1-9]\d*$/.test(sample)) return Number(sample);
  throw new Error(`SAMPLE=${sample}: it is a whole number, such as 10 for a tenth of the code`);
}

/** The files of a part that are asked for: by parts of their paths, with commas between them. @throws Error for none */
function wanted(files: readonly string[], paths = ''): readonly string[] {
  const found = files.filter((file) => paths.split(',').some((path) => file.includes(path)));
  if (found.length > 0) return found;
  throw new Error(`FILES=${paths}: no file of this part has that in its path`);
}

/** How the tests are run. */
function runner({ tests, tried }: Part): object {
  if (tried === 'near')
    return {
      testRunner: 'tap',
      tap: { testFiles: tests, nodeArgs: [...nodeArgs, '-r', '{{hookFile}}', '{{testFile}}'], forceBail: true },
      plugins: ['@stryker-mutator/tap-runner'],
      coverageAnalysis: 'perTest',
    };
  const commands = tests.map((test) => `${process.execPath} ${nodeArgs.join(' ')} --test ${test}`);
  return { testRunner: 'command', commandRunner: { command: commands.join(' && ') }, coverageAnalysis: 'off' };
}

function settings(name: string, part: Part): object {
  return {
    mutate: sampled(wanted(part.files, process.env.FILES), oneIn(process.env.SAMPLE)),
    ...runner(part),
    concurrency: 2,
    // Whoever is slow because the machine is busy is no mutant that was noticed.
    timeoutMS: 20_000,
    // Nothing but this is copied to where the mutants run.
    ignorePatterns: ['**', '!edge/**', '!test/**', '!crds/**', '!package.json'],
    reporters: ['json', 'clear-text'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    jsonReporter: { fileName: `${cache}/${name}.json` },
    // Inside the project, so that packages are found.
    tempDirName: `${cache}/sandboxes`,
    // Node.js strips types itself; Stryker would want another compiler to read the settings of this one.
    tsconfigFile: 'none.json',
  };
}

interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
}

/** Not to be tried, or tried in vain: the test ended without a word. Stryker leaves them out, too. */
const uncounted: ReadonlySet<string> = new Set(['Ignored', 'CompileError', 'RuntimeError']);

/** Mutants of each file: how many a test noticed, of how many. */
function printScore(name: string): void {
  const report = JSON.parse(readFileSync(join(cache, `${name}.json`), 'utf8')) as Report;
  let allNoticed = 0;
  let all = 0;
  for (const [file, { mutants }] of Object.entries(report.files)) {
    const counted = mutants.filter(({ status }) => !uncounted.has(status));
    const noticed = counted.filter(({ status }) => status === 'Killed' || status === 'Timeout').length;
    allNoticed += noticed;
    all += counted.length;
    process.stdout.write(`${share(noticed, counted.length)}  ${file}\n`);
  }
  process.stdout.write(`${share(allNoticed, all)}  ${name}\n`);
}

function share(noticed: number, all: number): string {
  const percent = all === 0 ? 100 : (100 * noticed) / all;
  return `${percent.toFixed(1).padStart(6)} %  ${`${noticed}/${all}`.padStart(10)}`;
}

function run(name: string): number {
  const part = parts[name];
  if (part === undefined) {
    process.stderr.write(`there is no part ${name}; parts are ${Object.keys(parts).join(', ')}\n`);
    return 2;
  }
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `${name}.settings.json`);
  writeFileSync(file, JSON.stringify(settings(name, part), undefined, 2));
  const packages = [`@stryker-mutator/core@${strykerVersion}`, `@stryker-mutator/tap-runner@${strykerVersion}`];
  const options = ['exec', '--yes', ...packages.map((each) => `--package=${each}`), '--', 'stryker', 'run', file];
  const { status } = spawnSync('sh', ['-c', `ulimit -d ${memoryMaxKb}; exec npm "$@"`, 'sh', ...options], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (status === 0) printScore(name);
  return status ?? 1;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
process.exitCode = names.map(run).find((status) => status !== 0) ?? 0;
