/**
 * Why something is aborted that nobody waits for any more. Without a reason, `AbortController.abort` makes a DOMException
 * with its stack: 40 µs, several times for each pull.
 */
export const notNeeded = new Error('not needed any more');
