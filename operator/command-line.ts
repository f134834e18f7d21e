/** What the subcommands have in common: help, and an answer to wrong arguments. */

export interface CommandLine<Options> {
  readonly usage: string;
  /** Throws with what is wrong with the arguments, in a sentence. */
  readonly read: (args: readonly string[]) => Options;
  /** Resolves with the exit code. */
  readonly run: (options: Options) => Promise<number>;
}

/** Runs a subcommand with the arguments after its name; resolves with the exit code: 2 when they are wrong. */
export async function runCommand<Options>(
  args: readonly string[],
  { usage, read, run }: CommandLine<Options>,
): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  let options: Options;
  try {
    options = read(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    return 2;
  }
  return run(options);
}

/** Makes the process end with this code; with 70, and what went wrong, when there is none. */
export function exitWith(code: Promise<number>): void {
  code.then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`internal error: ${error instanceof Error ? error.stack : error}\n`);
      process.exitCode = 70;
    },
  );
}
