/** Bytes in and out of something, and their rates over the last 30 seconds as SRS gives them. */

export const sampleEveryMs = 5_000;
const windowMs = 30_000;
const samplesKept = windowMs / sampleEveryMs + 1;

export class Meter {
  received = 0;
  sent = 0;
  readonly #times: number[] = [];
  readonly #received: number[] = [];
  readonly #sent: number[] = [];

  /** Remembers the present totals, which rates are measured from. */
  sample(nowMs: number): void {
    this.#times.push(nowMs);
    this.#received.push(this.received);
    this.#sent.push(this.sent);
    if (this.#times.length <= samplesKept) return;
    for (const samples of [this.#times, this.#received, this.#sent]) samples.shift();
  }

  /** Kilobits per second, whole numbers, as SRS's API shows them. */
  get kbps(): { readonly recv_30s: number; readonly send_30s: number } {
    return { recv_30s: this.#rate(this.#received), send_30s: this.#rate(this.#sent) };
  }

  #rate(samples: readonly number[]): number {
    const ms = (this.#times.at(-1) ?? 0) - (this.#times[0] ?? 0);
    // Bits per millisecond are kilobits per second.
    return ms > 0 ? Math.round((((samples.at(-1) ?? 0) - (samples[0] ?? 0)) * 8) / ms) : 0;
  }
}

/** Of all clients of a stream or a vhost. */
export class SharedMeter extends Meter {
  /** Those who were there at the last look, less who left. */
  clients = 0;
  droppedGops = 0;
}
