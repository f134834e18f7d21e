/** Arguments of a command line: those of Node, with an error that names the option that was meant. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from './nearest.ts';

/** As `parseArgs`. Throws with what is wrong, in a sentence: `there is no option --conifg: did you mean --config?` */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [, option] = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? (/'(--?[^']+)'/.exec(message) ?? []) : [];
    if (option === undefined) throw error;
    throw new Error(`there is no option ${option}${meant(option, optionsOf(config))}`, { cause: error });
  }
}

/** For the end of a message about a word that is not known: `: did you mean --config?`, or nothing. */
export function meant(word: string, known: Iterable<string>): string {
  const found = nearest(word, known);
  return found === undefined ? '' : `: did you mean ${found}?`;
}

/** Short options are a slip away from each other: they are no guess. */
function optionsOf({ options = {} }: ParseArgsConfig): string[] {
  return [...Object.keys(options), 'help'].map((name) => `--${name}`);
}
