/** What a terminal shows after what was written to it, as far as the demo needs one. */

/** Sequences that the demo writes: go up so many lines, to their beginning; erase from here on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's words begin with one
const words = /\u001b\[(\d+)F|\u001b\[J|\r|\n|[^\u001b\r\n]+/gu;

export class Terminal {
  readonly #rows: number;
  readonly #lines: string[] = [''];
  #row = 0;

  /** @param rows lines that it shows; what is above has scrolled away */
  constructor(rows: number) {
    this.#rows = rows;
  }

  /** @throws Error at a sequence that it does not know */
  write(text: string): void {
    let at = 0;
    for (const { 0: word, 1: up, index } of text.matchAll(words)) {
      if (index !== at) break;
      at += word.length;
      if (up !== undefined) this.#row = Math.max(0, this.#row - Number(up));
      else if (word === '\u001b[J') this.#lines.splice(this.#row, Number.POSITIVE_INFINITY, '');
      else if (word === '\n') this.#lines[++this.#row] ??= '';
      else if (word !== '\r') this.#lines[this.#row] += word;
    }
    if (at !== text.length)
      throw new Error(`the demo writes what this terminal does not know: ${JSON.stringify(text)}`);
  }

  /** The lines that it shows, from above. */
  get screen(): string[] {
    const shown = this.#lines.slice(-this.#rows);
    return [...shown, ...Array<string>(this.#rows - shown.length).fill('')].map((line) => line.trimEnd());
  }
}
