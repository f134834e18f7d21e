/**
 * Feeds every reader of the edge, and a running edge, with input by the grammars beside this file.
 *
 *     node test/fuzz/fuzz.ts [SECONDS] [TARGET ...]       60 seconds and all targets by default
 *     FUZZ_SEED=1 node test/fuzz/fuzz.ts                  the same inputs each time: seeds 1, 2, 3 and so on
 *     FUZZ_SEED=… FUZZ_PATH=… node test/fuzz/fuzz.ts 60 TARGET        a finding again
 *
 * Each target gets its share of the time. What is found is printed with its seed, made as small as it gets; it then
 * becomes a test: an entry of corpus.ts, or a test beside the code that failed.
 */

import fc from 'fast-check';
import { type EdgeTargetName, EdgeUnderFuzz, edgeTargetNames } from './edge-under-fuzz.ts';
import { readers, type Target } from './readers.ts';

/** A target runs in rounds of so many inputs, each round with a seed of its own. */
const runsPerRound = 500;

async function fuzz({ name, property }: Target, seconds: number): Promise<boolean> {
  const endMs = performance.now() + seconds * 1000;
  const { FUZZ_SEED: wanted, FUZZ_PATH: path } = process.env;
  let seed = wanted === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(wanted);
  let runs = 0;
  do {
    const details = await fc.check(property as fc.IAsyncProperty<unknown>, {
      seed,
      numRuns: runsPerRound,
      interruptAfterTimeLimit: Math.max(1, endMs - performance.now()),
      ...(path === undefined ? {} : { path }),
    });
    runs += details.numRuns;
    if (details.failed && details.counterexample !== null) {
      process.stdout.write(`${name}: failed; again with FUZZ_SEED=${seed} FUZZ_PATH=${details.counterexamplePath}\n`);
      process.stdout.write(`${fc.defaultReportMessage(details)}\n${String(details.errorInstance)}\n`);
      return false;
    }
    seed++;
  } while (performance.now() < endMs && path === undefined);
  process.stdout.write(`${name}: ${runs} inputs, nothing found\n`);
  return true;
}

async function fuzzEdge(name: EdgeTargetName, seconds: number): Promise<boolean> {
  const edge = await EdgeUnderFuzz.start();
  try {
    return await fuzz(edge.target(name), seconds);
  } finally {
    await edge.stop();
  }
}

const [time = '60', ...wanted] = process.argv.slice(2);
const all = [...readers.map(({ name }) => name), ...edgeTargetNames];
const unknown = wanted.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`there is no target ${unknown}; targets are ${all.join(', ')}\n`);
  process.exit(2);
}
const isChosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
const seconds = Number(time) / (wanted.length || all.length);
let sound = true;
for (const target of readers) if (isChosen(target.name)) sound = (await fuzz(target, seconds)) && sound;
for (const name of edgeTargetNames) if (isChosen(name)) sound = (await fuzzEdge(name, seconds)) && sound;
process.exitCode = sound ? 0 : 1;
