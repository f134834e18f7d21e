/** A figure over the last ten minutes: a number every ten seconds, the last 60 of them. */

export const pointsMax = 60;
export const pointEveryMs = 10_000;

export class Curve {
  readonly #points = new Float32Array(pointsMax);
  #next = 0;
  #length = 0;

  add(value: number): void {
    this.#points[this.#next] = value;
    this.#next = (this.#next + 1) % pointsMax;
    this.#length = Math.min(pointsMax, this.#length + 1);
  }

  /** Oldest first, rounded. */
  values(): number[] {
    const first = this.#next - this.#length + pointsMax;
    return Array.from({ length: this.#length }, (_, index) =>
      Math.round(this.#points[(first + index) % pointsMax] ?? 0),
    );
  }
}
