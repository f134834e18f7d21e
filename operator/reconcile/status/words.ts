/** Counts and lists in messages for people. */

/** `1 edge`, `2 edges` */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first few of them. */
export function listed(items: readonly string[], most = 3, separator = ', '): string {
  const shown = items.slice(0, most).join(separator);
  return items.length <= most ? shown : `${shown} and ${items.length - most} more`;
}
