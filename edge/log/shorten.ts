/**
 * Cuts what is too long for a log line. Names have limits where they come in; this is a second net, for texts that
 * others have made up: an origin's reason, an error's message.
 */

const textMaxChars = 2_048;
const entriesMax = 50;
const depthMax = 4;

/** The value with long texts cut, and without what is beyond 50 entries or 4 levels. */
export function shorten(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return shortenText(value);
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date) {
    return value;
  }
  if (depth === depthMax) return '…';
  if (Array.isArray(value)) {
    const kept = value.slice(0, entriesMax).map((each) => shorten(each, depth + 1));
    return value.length > entriesMax ? [...kept, `… ${value.length - entriesMax} more`] : kept;
  }
  const entries = Object.entries(value);
  const kept = entries.slice(0, entriesMax).map(([key, each]) => [shortenText(key), shorten(each, depth + 1)] as const);
  if (entries.length > entriesMax) kept.push(['…', `${entries.length - entriesMax} more`]);
  return Object.fromEntries(kept);
}

function shortenText(text: string): string {
  if (text.length <= textMaxChars) return text;
  return `${text.slice(0, textMaxChars)}… (${text.length} characters)`;
}
