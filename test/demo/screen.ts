/** Standard output: on a terminal a table that is drawn in place, otherwise a line every two seconds. */

import { logLine, table, type View } from './view.ts';

const drawEveryMs = 250;
const logEveryMs = 2_000;

export class Screen {
  readonly #output = process.stdout;
  #timer: NodeJS.Timeout | undefined;
  /** Lines on the terminal that the next drawing replaces. */
  #drawn = 0;

  say(line: string): void {
    // What is drawn stays below what is said.
    this.#output.write(`${this.#erase()}${line}\n`);
  }

  /** What happened: on a terminal the table shows it. */
  log(line: string): void {
    if (!this.#output.isTTY) this.say(line);
  }

  show(view: () => View): void {
    if (this.#output.isTTY) this.#timer = setInterval(() => this.#draw(view()), drawEveryMs);
    else this.#timer = setInterval(() => this.say(logLine(view())), logEveryMs);
  }

  /** Leaves the last figures where they are. */
  stop(view: View): void {
    clearInterval(this.#timer);
    if (this.#output.isTTY) this.#draw(view);
    else this.say(logLine(view));
    this.#drawn = 0;
  }

  #draw(view: View): void {
    // A line that wraps, or that has scrolled away, could not be drawn over.
    const lines = table(view)
      .slice(0, this.#output.rows - 1)
      .map((line) => line.slice(0, this.#output.columns - 1));
    this.#output.write(`${this.#erase()}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    const drawn = this.#drawn;
    this.#drawn = 0;
    return drawn === 0 ? '' : `\x1b[${drawn}F\x1b[J`;
  }
}
