/** Long work that does not hold the event loop up: what plays goes on between its parts, and no more is done than needed. */

import { setImmediate } from 'node:timers/promises';

/** Resolves when the event loop has turned. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}

/** Calls `visit` for each of `items`; the event loop turns after every `perTurn` of them. */
export async function inTurns<T>(items: Iterable<T>, perTurn: number, visit: (item: T) => void): Promise<void> {
  let left = perTurn;
  for (const item of items) {
    if (left === 0) {
      await nextTurn();
      left = perTurn;
    }
    left--;
    visit(item);
  }
}

/** `count` of them from `start` on: what is behind is not looked at. */
export function* part<T>(all: Iterable<T>, start: number, count: number): Generator<T> {
  let index = 0;
  for (const each of all) {
    if (index >= start + count) return;
    if (index >= start) yield each;
    index++;
  }
}
