/** Command lines: what is mistyped is answered with what was meant, and help fits a screen. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseArguments } from '../../edge/conf/arguments.ts';

const root = join(import.meta.dirname, '../..');
const programs = {
  edge: 'edge/main.ts',
  edgecluster: 'operator/edgecluster.ts',
  kubectlEdge: 'operator/kubectl-edge.ts',
};

function run(program: keyof typeof programs, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, programs[program]), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, stdout, stderr };
}

describe('an option that does not exist', () => {
  const options = { config: { type: 'string', short: 'c' }, 'edge-image': { type: 'string' } } as const;
  for (const [args, message] of [
    [['--conifg', 'x'], 'there is no option --conifg: did you mean --config?'],
    [['--conifg=x'], 'there is no option --conifg: did you mean --config?'],
    [['--edge-imgae', 'x'], 'there is no option --edge-imgae: did you mean --edge-image?'],
    [['--hlep'], 'there is no option --hlep: did you mean --help?'],
    [['--frobnicate'], 'there is no option --frobnicate'],
    [['-x'], 'there is no option -x'],
  ] as const) {
    it(args.join(' '), () => {
      assert.throws(() => parseArguments({ args: [...args], options }), { message });
    });
  }

  it('is another mistake than a value that is missing', () => {
    assert.throws(() => parseArguments({ args: ['--config'], options }), /argument missing/);
  });
});

describe('commands', () => {
  for (const [program, args, message] of [
    ['edge', ['--conifg', 'x'], /^there is no option --conifg: did you mean --config\?\n\nusage: edge /],
    ['edgecluster', ['rendre'], /^there is no command "rendre": did you mean render\?\n\nusage: edgecluster COMMAND/],
    ['edgecluster', ['xyz'], /^there is no command "xyz"\n\nusage: /],
    [
      'edgecluster',
      ['diff', '--form', 'x'],
      /^there is no option --form: did you mean --from\?\n\nusage: edgecluster diff/,
    ],
    ['kubectlEdge', ['tops'], /^there is no command "tops": did you mean top\?\n\nusage: kubectl edge/],
    ['kubectlEdge', ['top', '--namspace', 'x'], /^there is no option --namspace: did you mean --namespace\?/],
  ] as const) {
    it(`${program} ${args.join(' ')}: 2, what was meant, and the usage`, () => {
      const { status, stdout, stderr } = run(program, ...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  const help = [
    ['edge'],
    ['edgecluster'],
    ...['render', 'import', 'diff', 'edge', 'operator', 'hls-agent', 'up'].map(
      (name) => ['edgecluster', name] as const,
    ),
    ['kubectlEdge'],
  ] as const;
  for (const [program, ...args] of help) {
    it(`${[program, ...args].join(' ')} --help fits a screen, has an example, and no colours`, () => {
      const { status, stdout, stderr } = run(program, ...args, '--help');
      assert.deepEqual([status, stderr], [0, '']);
      assert.ok(stdout.trimEnd().split('\n').length <= 24, stdout);
      assert.match(stdout, /\bExample: /);
      assert.ok(!stdout.includes('\u001b'));
    });
  }
});
