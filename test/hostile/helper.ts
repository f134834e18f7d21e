/**
 * Processes beside the edge: the honest clients and the hostile ones. Each is a file that is run by `fork`, gets its
 * options as one JSON argument, and answers questions.
 */

import { type ChildProcess, fork } from 'node:child_process';

/** A question on its way to a helper. `data` is JSON. */
interface Question {
  readonly id: number;
  readonly name: string;
  readonly data: unknown;
}

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Helper {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  private constructor(file: string, options: object) {
    this.#file = file;
    this.#child = fork(file, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => this.#answered(message as Answer));
    this.#child.on('exit', (code, signal) => this.#fail(`${file} ended with ${code ?? signal}`));
    process.once('exit', this.#kill);
    this.#child.once('exit', () => process.off('exit', this.#kill));
  }

  /** Runs a file; `options` is what its `helperOptions` returns. */
  static start(file: string, options: object): Helper {
    return new Helper(file, options);
  }

  /** @throws when the helper answers with an error, has ended, or says nothing for `patienceMs` */
  async ask<T>(name: string, data: object = {}, patienceMs = 30_000): Promise<T> {
    const id = ++this.#nextId;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const timer = setTimeout(() => {
      this.#waiting.get(id)?.reject(new Error(`${this.#file} did not answer "${name}" within ${patienceMs} ms`));
    }, patienceMs);
    try {
      if (!this.#child.connected) throw new Error(`${this.#file} has ended`);
      this.#child.send({ id, name, data } satisfies Question);
      return (await answer) as T;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  stop(): void {
    this.#kill();
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.value);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
  }
}

/** In the helper: what it was started with. */
export function helperOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

/** In the helper: answers questions by name until whoever started it is gone. */
export function answerQuestions(answers: Readonly<Record<string, (data: never) => Promise<unknown>>>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    const { id, name, data } = message as Question;
    const answer = answers[name] ?? (() => Promise.reject(new Error(`there is no answer to "${name}"`)));
    answer(data as never).then(
      (value) => process.send?.({ id, value: value ?? null }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
}
