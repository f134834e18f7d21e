/**
 * The command `edgecluster`: its first argument says which of these runs.
 *
 * Exit codes: those of the subcommand; 2 when there is no such one; 70 an internal error.
 */
import { meant } from '../edge/conf/arguments.ts';
import { exitWith } from './command-line.ts';
import { version } from './version.ts';

interface Subcommand {
  readonly about: string;
  /** Runs with the arguments after its name; resolves with the exit code. */
  readonly load: () => Promise<(args: readonly string[]) => Promise<number>>;
}

/** Loaded only when asked for: the operator has no use for what renders to a screen. */
const subcommands: Readonly<Record<string, Subcommand>> = {
  render: {
    about: 'print what the operator would apply',
    load: async () => (await import('./render-command.ts')).render,
  },
  import: {
    about: 'make a manifest of a configuration of SRS',
    load: async () => (await import('./import-command.ts')).importCommand,
  },
  diff: {
    about: 'tell what a change will cost, before it is made',
    load: async () => (await import('./diff-command.ts')).diff,
  },
  edge: {
    about: 'look at running edges and act on them; as a plugin: kubectl edge',
    load: async () => (await import('./edge-command.ts')).edge,
  },
  operator: {
    about: 'run EdgeClusters on Kubernetes',
    load: async () => (await import('./operator-command.ts')).operator,
  },
  'hls-agent': {
    about: 'keep the nginx of a cache of HLS up to date, in its pod',
    load: async () => (await import('./hls-agent-command.ts')).hlsAgent,
  },
  up: {
    about: 'run an EdgeCluster on this machine',
    load: async () => (await import('./up-command.ts')).up,
  },
};

const usage = `usage: edgecluster COMMAND [options]

${Object.entries(subcommands)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join('\n')}

\`edgecluster COMMAND --help\` tells the options of a command, \`edgecluster --version\` the version.

Example: edgecluster render -f edgecluster.yaml`;

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  if (name === '--version') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const subcommand = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
  if (subcommand === undefined) {
    const what =
      name === undefined ? 'which command?' : `there is no command "${name}"${meant(name, Object.keys(subcommands))}`;
    process.stderr.write(`${what}\n\n${usage}\n`);
    return 2;
  }
  const run = await subcommand.load();
  return run(args);
}

exitWith(main(process.argv.slice(2)));
