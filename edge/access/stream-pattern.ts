/** Patterns of streams in tokens: `live/*`, `live/cam1`, `**`. */

/** No token needs more, and none may cost more. */
const patternMaxLength = 512;

/** Whether `app/stream` fits: `*` stands for anything without a slash, `**` for anything. */
export function fits(pattern: string, app: string, stream: string): boolean {
  if (pattern.length > patternMaxLength) return false;
  return fitsFrom(pattern.replaceAll(/\*{2,}/g, '**'), `${app}/${stream}`);
}

/** In time that is bounded by the two lengths, whatever the stars. */
function fitsFrom(pattern: string, name: string): boolean {
  const parts = pattern.split(/(\*+)/).filter((part) => part !== '');
  /** Places in the name that the parts so far can end at. */
  let ends = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const end of ends) {
      if (!part.startsWith('*')) {
        if (name.startsWith(part, end)) next.add(end + part.length);
        continue;
      }
      const slash = part === '**' ? -1 : name.indexOf('/', end);
      const last = slash < 0 ? name.length : slash;
      for (let place = end; place <= last && !next.has(place); place++) next.add(place);
    }
    ends = next;
  }
  return ends.has(name.length);
}
