/** The grammar: words, quotes, comments, blocks, positions, and what is wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Directive, type PlainDirective, parseTree, printTree, writeWord } from '../../edge/conf/grammar.ts';
import { formatProblem } from '../../edge/conf/problem.ts';
import fc from '../support/property.ts';
import { trees } from './arbitrary.ts';

function plain(directives: readonly Directive[]): PlainDirective[] {
  return directives.map(({ name, args, children }) => ({
    name,
    args: args.map(({ text }) => text),
    children: children && plain(children),
  }));
}

function parse(text: string): PlainDirective[] {
  const { directives, problems } = parseTree(text, 'x.conf');
  assert.deepEqual(problems, []);
  return plain(directives);
}

function problemsOf(text: string): string[] {
  return parseTree(text, 'x.conf').problems.map(formatProblem);
}

const leaf = (name: string, ...args: string[]): PlainDirective => ({ name, args, children: undefined });

describe('grammar', () => {
  it('reads directives, blocks and several on a line', () => {
    const expected = [leaf('a', '1'), { name: 'b', args: ['x'], children: [leaf('c', '2', '3'), leaf('d')] }];
    assert.deepEqual(parse('a 1; b x { c 2 3;d; }'), expected);
    assert.deepEqual(parse('a 1;\r\nb x{\r\n\tc 2 3;\r\n d;\r\n}\r\n'), expected);
  });

  it('reads quotes of both kinds, without escapes', () => {
    assert.deepEqual(parse(`a "x; {y} #z" 'it is "so"' "back\\slash" '';`), [
      leaf('a', 'x; {y} #z', 'it is "so"', 'back\\slash', ''),
    ]);
  });

  it('takes # for a comment only where a word could begin', () => {
    assert.deepEqual(parse('# a;\na 1; # b;\nb c#d; # "'), [leaf('a', '1'), leaf('b', 'c#d')]);
  });

  it('keeps quotes and closing braces within a word', () => {
    assert.deepEqual(parse(`a b"c d}e;`), [leaf('a', 'b"c', 'd}e')]);
  });

  it('skips a byte order mark', () => assert.deepEqual(parse('\uFEFFa;'), [leaf('a')]));

  it('knows the line and column of every word', () => {
    const [a] = parseTree('\n  a {\r\n\tb cc  "d";\n}', 'x.conf').directives;
    const b = a?.children?.[0];
    assert.deepEqual(a?.at, { file: 'x.conf', line: 2, column: 3 });
    assert.deepEqual(b?.at, { file: 'x.conf', line: 3, column: 2 });
    assert.deepEqual(
      b?.args.map(({ at }) => at.column),
      [4, 8],
    );
  });

  it('tells where a directive is not finished', () => {
    const unfinished = 'directive "a" is not finished: expected ";" or "{" before';
    assert.deepEqual(problemsOf('a 1\nb 2;'), [`x.conf:1:4: ${unfinished} the end of the line`]);
    assert.deepEqual(problemsOf('a 1'), [`x.conf:1:4: ${unfinished} the end of the file`]);
    assert.deepEqual(problemsOf('x { a 1 }'), [`x.conf:1:9: ${unfinished} "}"`]);
    assert.deepEqual(problemsOf('a # 1;'), [`x.conf:1:3: ${unfinished} the end of the line`]);
  });

  it('tells which block and which quote is open', () => {
    assert.match(problemsOf('a {\n b {\n }')[0] ?? '', /^x\.conf:1:1: the block of "a" is not closed/);
    assert.deepEqual(problemsOf('a;\nb "c;\nd;'), [
      'x.conf:2:3: the quote " is not closed on its line; put " where the value ends',
    ]);
    assert.match(problemsOf(`a 'b'c;`)[0] ?? '', /^x\.conf:1:6: unexpected "c" after a closing quote/);
  });

  it('tells of braces and semicolons without a directive', () => {
    assert.match(problemsOf('}')[0] ?? '', /^x\.conf:1:1: unexpected "}"/);
    assert.match(problemsOf('a;;')[0] ?? '', /^x\.conf:1:3: unexpected ";"/);
    assert.match(problemsOf('{ }')[0] ?? '', /^x\.conf:1:1: unexpected "\{"/);
  });

  it('goes on after an error and reports the others', () => {
    const lines = problemsOf('a\nb;\nc\n}\n').map((line) => line.split(':')[1]);
    assert.deepEqual(lines, ['1', '3', '4']);
  });

  it('gives up on what is no configuration', () => {
    assert.equal(problemsOf('}'.repeat(100_000)).length, 21);
    assert.match(problemsOf('a{'.repeat(100_000))[0] ?? '', /nested more than 32 deep/);
  });

  it('parses what it printed (property)', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        assert.deepEqual(parse(printTree(tree)), tree);
      }),
    );
  });

  it('refuses to write what it could not read back', () => {
    assert.throws(() => writeWord('a\nb'), RangeError);
    assert.throws(() => writeWord(`a "b" 'c'`), RangeError);
    assert.equal(writeWord(`a"b'c`), `a"b'c`);
  });
});
