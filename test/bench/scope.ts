/** What a measurement starts is stopped when the measurement ends, the last started first, whatever happened. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** Has it stopped at the end of the scope. */
export type Own = <S extends Stoppable>(it: S) => S;

export async function scope<Result>(body: (own: Own) => Promise<Result>): Promise<Result> {
  const owned: Stoppable[] = [];
  try {
    return await body((it) => {
      owned.push(it);
      return it;
    });
  } finally {
    for (const it of owned.reverse()) await it.stop();
  }
}
