/**
 * The grammar of SRS's configuration (nginx's, slightly narrowed): text ⇄ tree of directives.
 *
 *     directive := word+ ';'  |  word+ '{' directive* '}'
 *
 * As in SRS (`SrsConfDirective::read_token`): the words of a directive stand on one line, `#` opens a comment only
 * where a word could begin, quotes hold anything but their own kind and a line's end, there are no escapes,
 * and a word that doesn't begin with a quote ends at white space, `;` or `{`.
 */
import { BLOCK_DEPTH_MAX, SYNTAX_PROBLEMS_MAX } from './defaults.ts';
import { type FilePlace, type Problem, show } from './problem.ts';

/** A word of a directive, quotes removed. */
export interface Word {
  readonly text: string;
  readonly at: FilePlace;
}

export interface Directive {
  readonly name: string;
  readonly at: FilePlace;
  readonly args: readonly Word[];
  /** Undefined when the directive ends in `;`. */
  readonly children: readonly Directive[] | undefined;
}

/** A tree without positions, for printing. */
export interface PlainDirective {
  readonly name: string;
  readonly args: readonly string[];
  readonly children: readonly PlainDirective[] | undefined;
}

interface OpenBlock {
  readonly directives: Directive[];
  /** The directive that opened it; undefined for the file itself. */
  readonly opener: Word | undefined;
}

/**
 * Parses `text`; never throws. After a syntax error it goes on at the next plausible point, so that all problems
 * of a file are found together (up to a limit). `include` is an ordinary directive here.
 */
export function parseTree(text: string, file: string): { directives: Directive[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const root: OpenBlock = { directives: [], opener: undefined };
  const outer: OpenBlock[] = [];
  let block = root;
  let pos = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  let lineStart = pos;

  const here = (): FilePlace => ({ file, line, column: pos - lineStart + 1 });
  const report = (at: FilePlace, what: string, remedy?: string) => problems.push({ at, what, remedy });

  /** Skips white space and comments, across lines. */
  function skipToWord(): void {
    for (; pos < text.length; pos++) {
      const ch = text.charAt(pos);
      if (ch === '\n') {
        line++;
        lineStart = pos + 1;
      } else if (ch === '#') {
        while (pos + 1 < text.length && text.charAt(pos + 1) !== '\n') pos++;
      } else if (!isBlank(ch)) return;
    }
  }

  function readWord(): Word {
    const at = here();
    const quote = text.charAt(pos);
    const start = pos;
    if (quote !== '"' && quote !== "'") {
      while (pos < text.length && !endsWord(text.charAt(pos))) pos++;
      return { text: text.slice(start, pos), at };
    }
    pos++;
    while (pos < text.length && text.charAt(pos) !== quote && text.charAt(pos) !== '\n') pos++;
    const word = { text: text.slice(start + 1, pos), at };
    if (text.charAt(pos) !== quote) {
      report(at, `the quote ${quote} is not closed on its line`, `put ${quote} where the value ends`);
      return word;
    }
    pos++;
    if (pos < text.length && !endsWord(text.charAt(pos))) {
      report(here(), `unexpected ${show(text.charAt(pos))} after a closing quote`, 'expected white space, ";" or "{"');
    }
    return word;
  }

  /** Reads the words of one directive and what ends it: `;`, `{` or (a problem) anything else. */
  function readDirective(): void {
    const words: Word[] = [];
    const problemsBefore = problems.length;
    for (;;) {
      while (isBlank(text.charAt(pos))) pos++;
      const ch = text.charAt(pos);
      if (ch === ';' || ch === '{') {
        pos++;
        finish(words, ch === '{');
        return;
      }
      if (ch === '' || ch === '\n' || ch === '#' || ch === '}') {
        const name = show(words[0]?.text ?? '');
        const found = ch === '}' ? '"}"' : ch === '' ? 'the end of the file' : 'the end of the line';
        // An open quote swallows the rest of its line: one problem, not two.
        if (problems.length === problemsBefore) {
          report(here(), `directive ${name} is not finished: expected ";" or "{" before ${found}`);
        }
        finish(words, false);
        return;
      }
      words.push(readWord());
    }
  }

  function finish(words: readonly Word[], opens: boolean): void {
    const [first, ...args] = words;
    if (first === undefined) return;
    if (!opens) {
      block.directives.push({ name: first.text, at: first.at, args, children: undefined });
      return;
    }
    const children: Directive[] = [];
    block.directives.push({ name: first.text, at: first.at, args, children });
    outer.push(block);
    block = { directives: children, opener: first };
  }

  for (;;) {
    skipToWord();
    if (pos >= text.length) break;
    if (problems.length >= SYNTAX_PROBLEMS_MAX) {
      report(here(), 'too many syntax errors; the rest of the file was not read');
      return { directives: root.directives, problems };
    }
    const ch = text.charAt(pos);
    if (ch === '}') {
      const parent = outer.pop();
      if (parent === undefined) report(here(), 'unexpected "}": no block is open here');
      else block = parent;
      pos++;
    } else if (ch === ';' || ch === '{') {
      report(here(), `unexpected "${ch}": expected the name of a directive before it`);
      pos++;
    } else if (outer.length >= BLOCK_DEPTH_MAX) {
      report(here(), `blocks are nested more than ${BLOCK_DEPTH_MAX} deep`);
      return { directives: root.directives, problems };
    } else readDirective();
  }
  for (const { opener } of [...outer, block]) {
    if (opener !== undefined) {
      report(opener.at, `the block of ${show(opener.text)} is not closed: expected "}" before the end of the file`);
    }
  }
  return { directives: root.directives, problems };
}

/** Canonical text of a tree: four spaces a level, one directive a line. Throws RangeError as `writeWord` does. */
export function printTree(directives: readonly PlainDirective[], depth = 0): string {
  const indent = '    '.repeat(depth);
  let text = '';
  for (const { name, args, children } of directives) {
    const words = [name, ...args].map(writeWord).join(' ');
    if (children === undefined) text += `${indent}${words};\n`;
    else text += `${indent}${words} {\n${printTree(children, depth + 1)}${indent}}\n`;
  }
  return text;
}

/** True for words the grammar can express: no line ends, and not both kinds of quote where quotes are needed. */
export function isWritable(word: string): boolean {
  if (/[\r\n]/.test(word)) return false;
  return isBare(word) || !word.includes('"') || !word.includes("'");
}

/** A word as it stands in a file, quoted where needed. Throws RangeError for a word that isn't writable. */
export function writeWord(word: string): string {
  if (!isWritable(word)) throw new RangeError(`${show(word)} cannot be written in SRS's configuration language`);
  if (isBare(word)) return word;
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}

function isBare(word: string): boolean {
  return /^[^\s;{}"'#\uFEFF][^\s;{]*$/.test(word);
}

function isBlank(ch: string): boolean {
  return ch === ' ' || ch === '\t' || ch === '\r';
}

function endsWord(ch: string): boolean {
  return isBlank(ch) || ch === '\n' || ch === ';' || ch === '{';
}
