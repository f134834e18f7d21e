/**
 * What players receive, as FLV tags: read from files, and from the output of programs while they run.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { classify, codecName, MediaFlag } from '../../edge/flv/media.ts';
import { FlvReader, type FlvTag } from '../../edge/flv/reader.ts';
import { type Cleaner, Program } from './programs.ts';

export type { FlvTag } from '../../edge/flv/reader.ts';

export function readFlv(file: string): FlvTag[] {
  const tags: FlvTag[] = [];
  new FlvReader().push(readFileSync(file), (tag) => tags.push(tag));
  return tags;
}

export function isVideo({ type }: FlvTag): boolean {
  return type === 9;
}

export function isMedia({ type }: FlvTag): boolean {
  return type === 8 || type === 9;
}

export function isSequenceHeader({ type, payload }: FlvTag): boolean {
  return (classify(type, payload) & MediaFlag.sequenceHeader) !== 0;
}

export function isKeyframe({ type, payload }: FlvTag): boolean {
  return (classify(type, payload) & MediaFlag.keyframe) !== 0;
}

/** Audio and video proper: neither headers nor an end of sequence. */
export function isFrame({ type, payload }: FlvTag): boolean {
  const notFrames = MediaFlag.sequenceHeader | MediaFlag.sequenceEnd | MediaFlag.data;
  return (classify(type, payload) & notFrames) === 0;
}

/** One line for each tag, so that a difference between two streams can be read: type, time, size, digest. */
export function describeTags(tags: readonly FlvTag[], fromMs = tags[0]?.timestamp ?? 0): string[] {
  return tags.map(({ type, timestamp, payload }) => {
    const digest = createHash('sha1').update(payload).digest('hex').slice(0, 12);
    return `${codecName(type, payload) ?? type} ${timestamp - fromMs} ms ${payload.length} bytes ${digest}`;
  });
}

/** The same without times: for streams whose clock was begun anew on the way. */
export function describePayloads(tags: readonly FlvTag[]): string[] {
  return describeTags(tags).map((line) => line.replace(/-?\d+ ms /, ''));
}

/** A program that writes the stream it plays as FLV to its standard output. */
export class FlvCapture {
  readonly program: Program;
  readonly tags: FlvTag[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(cleaner: Cleaner, command: string, args: readonly string[]) {
    this.program = new Program(cleaner, command, args);
    const reader = new FlvReader();
    this.program.child.stdout?.on('data', (bytes: Buffer) => {
      reader.push(bytes, (tag) => this.tags.push(tag));
      this.#look();
    });
    this.program.exit().then(() => this.#look());
  }

  /** Resolves when the tags so far satisfy `test`; throws when the program ends before. */
  async until(test: (tags: readonly FlvTag[]) => boolean): Promise<readonly FlvTag[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (test(this.tags)) resolve(this.tags);
        else if (!this.program.running)
          reject(new Error(`${this.program.command} ended after ${this.tags.length} tags: ${this.program.stderr}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves when so many frames of audio and video have come. */
  async frames(count: number): Promise<readonly FlvTag[]> {
    return this.until((tags) => tags.filter(isFrame).length >= count);
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}
