/** What a measurement starts is stopped when the measurement ends, the last started first, whatever happened. */
export interface Stoppable {
  stop(): Promise<void>;
}

export async function scope<Result>(
  body: (own: <S extends Stoppable>(it: S) => S) => Promise<Result>,
): Promise<Result> {
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
