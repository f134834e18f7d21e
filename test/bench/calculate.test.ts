import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { answer, type Question, readQuestion, tell } from './calculate.ts';
import { audiences, need, readSheet } from './capacity.ts';

const sheet = readSheet();

function ask(...args: string[]): Question {
  const question = readQuestion(args, sheet);
  assert.notEqual(question, 'help');
  return question as Question;
}

const answerTo = (...args: string[]) => answer(ask(...args), sheet);
const told = (...args: string[]): string => tell(ask(...args), answerTo(...args), sheet).join('\n');

describe('the calculator', () => {
  test('comes to what CAPACITY.md says of the same audiences', () => {
    for (const audience of audiences) {
      const { players, playersAnEdge, streams, tierEdges, tls } = audience;
      const args = Object.entries({ players, 'players-per-edge': playersAnEdge, streams, tier: tierEdges });
      const given = args.flatMap(([name, value]) => [`--${name}`, String(value)]);
      assert.deepEqual(answerTo(...given, ...(tls ? ['--tls'] : [])).need, need(sheet, audience));
    }
  });

  test('says what sets how many players an edge takes', () => {
    const plain = answerTo('--players', '100000', '--kbps', '3000');
    assert.deepEqual([plain.limit, plain.playersAnEdge], ['bandwidth', 666]);
    const wide = answerTo('--players', '100000', '--edge-gbps', '100', '--tls');
    assert.equal(wide.limit, 'CPU');
    assert.ok(wide.need.edgeCpu <= 60, 'a core is busy to 60 % at most');
    assert.ok(wide.need.edgeCpu > 59);
    assert.equal(answerTo('--players', '9', '--players-per-edge', '3').limit, 'you');
    assert.equal(answerTo('--players', '9', '--kbps', '90000000').playersAnEdge, 1, 'an edge has a player at least');
  });

  test('takes what players cost to grow with the bit rate, never to shrink', () => {
    const args = ['--players', '1000', '--players-per-edge', '1000', '--kbps'];
    const measured = sheet.measured.streamKbps.value;
    const cpuOf = (kbps: number): number => answerTo(...args, String(kbps)).need.edgeCpu;
    const idle = sheet.measured.edgeCpu.value;
    assert.ok(Math.abs((cpuOf(4 * measured) - idle) / (cpuOf(measured) - idle) - 4) < 1e-9);
    assert.equal(cpuOf(measured / 4), cpuOf(measured));
  });

  test('takes prices of yours', () => {
    const { need } = answerTo('--players', '1000', '--kbps', '1000', '--egress-gb', '0.01', '--core-hour', '0');
    assert.ok(Math.abs(need.egressPerHour - 4.5) < 1e-9, '1 Gb/s for an hour is 450 GB');
    assert.equal(need.coresPerHour, 0);
  });

  test('warns of what does not fit', () => {
    assert.match(told('--players', '50000', '--kbps', '3000', '--streams', '20', '--tier', '2'), /take --tier 3\./);
    assert.doesNotMatch(told('--players', '50000', '--kbps', '3000', '--streams', '20', '--tier', '3'), /too small/);
    assert.match(told('--players', '10000000'), /put a tier between/);
    assert.match(told('--players', '9000', '--players-per-edge', '9000'), /more than the 2 Gb\/s/);
    assert.match(told('--players', '20000', '--players-per-edge', '20000', '--tls'), /no more than 60 % of a core/);
  });

  const wrong: readonly [readonly string[], RegExp][] = [
    [[], /--players is missing/],
    [['--player', '5'], /did you mean --players\?/],
    [['--players', 'many'], /--players: "many" is not a whole number, 1 or more/],
    [['--players', '0'], /is not a whole number, 1 or more/],
    [['--players', '1.5'], /is not a whole number/],
    [['--players', '5', '--tier=-1'], /--tier: "-1" is not a whole number/],
    [['--players', '5', '--kbps', '0'], /is not a number above 0/],
    [['--players', '5', '--kbps', ''], /is not a number above 0/],
    [['--players', '5', '--egress-gb=-1'], /is not a number, 0 or more/],
  ];
  for (const [args, message] of wrong) {
    test(`refuses ${JSON.stringify(args)}`, () => assert.throws(() => readQuestion(args, sheet), message));
  }

  test('shows its usage, and exits with 2, where it was asked wrongly', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(import.meta.dirname, 'calculate.ts'), ...args], { encoding: 'utf8' });
    assert.deepEqual([run('--players', 'x').status, run('--players', 'x').stdout], [2, '']);
    assert.match(run('--players', 'x').stderr, /usage: node test\/bench\/calculate\.ts/);
    const help = run('--help');
    assert.equal(help.status, 0);
    assert.ok(help.stdout.split('\n').length < 24, 'fits a screen');
    assert.match(run('--players', '5').stdout, /^edge pods +1$/m);
  });
});
