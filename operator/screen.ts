/**
 * Standard output: on a terminal a table that is drawn in place, otherwise a line every two seconds. So it is, too, on a
 * terminal that cannot draw in place (`TERM=dumb`).
 */

/** The same figures twice: as the lines of a table, and in one line for a log. */
export interface Picture {
  readonly table: readonly string[];
  readonly line: string;
}

const drawEveryMs = 250;
const logEveryMs = 2_000;

export class Screen {
  readonly #output = process.stdout;
  readonly #draws = process.stdout.isTTY && process.env.TERM !== 'dumb';
  #timer: NodeJS.Timeout | undefined;
  /** Lines on the terminal that the next drawing replaces. */
  #drawn = 0;

  say(line: string): void {
    // What is drawn stays below what is said.
    this.#output.write(`${this.#erase()}${line}\n`);
  }

  /** What happened: on a terminal the table shows it. */
  log(line: string): void {
    if (!this.#draws) this.say(line);
  }

  show(view: () => Picture): void {
    if (this.#draws) this.#timer = setInterval(() => this.#draw(view()), drawEveryMs);
    else this.#timer = setInterval(() => this.say(view().line), logEveryMs);
  }

  /** Leaves the last figures where they are. */
  stop(view: Picture): void {
    clearInterval(this.#timer);
    if (this.#draws) this.#draw(view);
    else this.say(view.line);
    this.#drawn = 0;
  }

  #draw({ table }: Picture): void {
    // A line that wraps, or that has scrolled away, could not be drawn over.
    const lines = table.slice(0, this.#output.rows - 1).map((line) => line.slice(0, this.#output.columns - 1));
    this.#output.write(`${this.#erase()}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    const drawn = this.#drawn;
    this.#drawn = 0;
    return drawn === 0 ? '' : `\x1b[${drawn}F\x1b[J`;
  }
}

/** Rows of cells as lines, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
