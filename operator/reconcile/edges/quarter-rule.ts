/**
 * Whether a figure of clients or bandwidth has changed so much that it is written at once: between none and some, or by
 * a quarter and at least 10. A write for each poll of a busy cluster would be too many.
 */
export function isSignificant(before: number, after: number): boolean {
  if (before === 0 || after === 0) return before !== after;
  return Math.abs(after - before) >= Math.max(10, before / 4);
}
