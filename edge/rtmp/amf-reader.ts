/**
 * The bytes of AMF data, taken from front to back within limits: what the decoders of AMF0 and AMF3 share. A value of
 * one behind a marker in the other goes on where that one is.
 */

import { AmfBudget, maxAmfDepth } from './amf-value.ts';
import { AmfError } from './errors.ts';

export class AmfReader {
  readonly budget: AmfBudget = new AmfBudget();
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes;
    this.#at = offset;
  }

  /** Where the next byte is. */
  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next byte, left where it is; undefined at the end. */
  get next(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** Begins a value: takes its marker. @throws AmfError when it is nested too deeply, or one too many */
  beginValue(depth: number): number {
    const start = this.#at;
    if (depth > maxAmfDepth) throw new AmfError('too-deep', start, `AMF nested deeper than ${maxAmfDepth}`);
    this.budget.charge(1, 0, start);
    return this.takeByte();
  }

  takeByte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** The next bytes, as a view. @throws AmfError when there are fewer */
  take(length: number): Buffer {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw new AmfError('truncated', start, `AMF value ends early: ${length} more bytes expected`);
    }
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  takeText(length: number, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    const start = this.#at;
    const text = this.take(length).toString(encoding);
    this.budget.charge(0, text.length, start);
    return text;
  }
}
