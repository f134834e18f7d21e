/** A real Prometheus for tests: Debian's, as a child process with its data in a directory that goes with the test. */

import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type Cleaner, Program, temporaryDirectory } from './programs.ts';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** Time in seconds, and the value as text. */
  readonly value: readonly [number, string];
}

export interface Rule {
  readonly name: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

type Answer<T> =
  | { readonly status: 'success'; readonly data: T }
  | { readonly status: 'error'; readonly error: string };

const patienceMs = 60_000;

export class Prometheus {
  readonly #url: string;
  readonly #program: Program;

  private constructor(url: string, program: Program) {
    this.#url = url;
    this.#program = program;
  }

  /** Resolves when it answers. Ends with the test. */
  static async start(cleaner: Cleaner, config: object): Promise<Prometheus> {
    const directory = temporaryDirectory(cleaner);
    const file = join(directory, 'prometheus.yml');
    writeFileSync(file, stringify(config));
    // An address of its own: it can't be asked which port it has chosen.
    const part = () => randomInt(1, 255);
    const address = `127.${part()}.${part()}.${part()}:9090`;
    const program = new Program(cleaner, 'prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
    ]);
    const prometheus = new Prometheus(`http://${address}`, program);
    await prometheus.#until('it is ready', async () => (await fetch(`${prometheus.#url}/-/ready`)).ok);
    return prometheus;
  }

  /** The samples that an expression has now. @throws Error with what Prometheus says to a wrong one */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result, resultType } = await this.#ask<{ resultType: string; result: unknown }>('query', {
      query: expression,
    });
    if (resultType !== 'vector') throw new Error(`${expression} gives a ${resultType}`);
    return result as readonly Sample[];
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.#ask<{ groups: readonly { readonly rules: readonly Rule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  /** Waits until an expression has samples that satisfy `test`; resolves with them. */
  async until(expression: string, test: (samples: readonly Sample[]) => boolean): Promise<readonly Sample[]> {
    let samples: readonly Sample[] = [];
    await this.#until(expression, async () => {
      samples = await this.query(expression);
      return test(samples);
    });
    return samples;
  }

  async #ask<T>(what: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${what}?${new URLSearchParams(parameters)}`);
    const answer = (await response.json()) as Answer<T>;
    if (answer.status === 'error') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  }

  async #until(what: string, test: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!(await test().catch(() => false))) {
      if (!this.#program.running) throw new Error(`Prometheus ended: ${this.#program.stderr}`);
      if (Date.now() > deadline) throw new Error(`Prometheus, after ${patienceMs} ms, still not: ${what}`);
      await delay(200);
    }
  }
}
