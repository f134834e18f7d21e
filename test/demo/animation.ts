/**
 * A recording of a terminal as a picture that moves: SVG with CSS alone, so that it moves where scripts are not run. Who
 * asked the system for less motion sees the last screen.
 */

export interface Frame {
  readonly atMs: number;
  /** Lines, from above; as many in each frame. */
  readonly screen: readonly string[];
}

export interface Film {
  readonly frames: readonly Frame[];
  /** How long the last frame stays before all begins again. */
  readonly holdMs: number;
  readonly columns: number;
  readonly title: string;
  readonly description: string;
}

const cell = { width: 8, height: 18 };
const margin = 14;
const colours = { paper: '#0d1117', frame: '#30363d', ink: '#e6edf3' };

/** The text of one line from a moment on. */
interface Change {
  readonly atMs: number;
  readonly text: string;
}

export function svg({ frames, holdMs, columns, title, description }: Film): string {
  const lastMs = (frames.at(-1)?.atMs ?? 0) + holdMs;
  const rows = frames[0]?.screen.length ?? 0;
  const [width, height] = [columns * cell.width + 2 * margin, rows * cell.height + 2 * margin];
  const styles: string[] = [];
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    const changes = changesOf(frames, row);
    if (changes.length === 1 && changes[0]?.text === '') continue;
    if (changes.length > 1) styles.push(styleOf(row, changes, lastMs));
    const texts = changes.map(({ text }, index) => lineOf(text, index)).join('');
    // A picture in a picture shows its own size only: of all the texts of a line the one that counts.
    const at = `x="${margin}" y="${margin + row * cell.height}" width="${columns * cell.width}" height="${cell.height}"`;
    lines.push(`<svg ${at}><g${changes.length > 1 ? ` class="l${row}"` : ''}>${texts}</g></svg>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="t d">
<title id="t">${escaped(title)}</title>
<desc id="d">${escaped(description)}</desc>
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:${colours.ink};white-space:pre}
${styles.join('\n')}
@media (prefers-reduced-motion:reduce){g{animation:none!important}}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${colours.paper}" stroke="${colours.frame}"/>
${lines.join('\n')}
</svg>
`;
}

/** A line's texts in their order, each once while it stays. */
function changesOf(frames: readonly Frame[], row: number): Change[] {
  const changes: Change[] = [];
  for (const { atMs, screen } of frames) {
    const text = screen[row] ?? '';
    if (changes.at(-1)?.text !== text) changes.push({ atMs, text });
  }
  return changes;
}

/** The texts stand below each other, and move up to where one is seen. Without the movement it is the last one. */
function styleOf(row: number, changes: readonly Change[], lastMs: number): string {
  const up = (index: number): string => `transform:translateY(${-index * cell.height}px)`;
  const steps = changes.map(({ atMs }, index) => {
    const percent = index === 0 ? 0 : (atMs * 100) / lastMs;
    return `${Number(percent.toFixed(2))}%{${up(index)}}`;
  });
  const rest = `.l${row}{${up(changes.length - 1)};animation:l${row} ${lastMs}ms step-end infinite}`;
  return `${rest}\n@keyframes l${row}{${steps.join('')}}`;
}

function lineOf(text: string, index: number): string {
  if (text === '') return '';
  // Columns stand below each other whatever the font.
  const length = `textLength="${[...text].length * cell.width}" lengthAdjust="spacingAndGlyphs"`;
  return `<text x="0" y="${index * cell.height + 13}" ${length}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
