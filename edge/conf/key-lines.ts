/** Files of secrets: one in a line. */

/** Lines that count: those that are blank, or begin with `#`, do not. Each with its number. */
export function* linesOf(text: string): Generator<readonly [number, string]> {
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line !== '' && !line.startsWith('#')) yield [index + 1, line];
  }
}
