/** A small line of the last ten minutes. */

const namespace = 'http://www.w3.org/2000/svg';
const [width, height] = [120, 28];
/** Points of ten minutes: a line that is shorter ends at the right, too. */
const pointsMax = 60;

function part(tag, className) {
  const element = document.createElementNS(namespace, tag);
  element.setAttribute('class', className);
  return element;
}

export function makeSparkline() {
  const svg = part('svg', 'spark');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.append(part('path', 'area'), part('path', 'line'));
  return svg;
}

/**
 * @param values oldest first
 * @param words says a value
 * @param label what the line is of
 */
export function drawSparkline(svg, values, words, label) {
  const key = values.join();
  if (svg.dataset.key === key) return;
  svg.dataset.key = key;
  const most = Math.max(...values, 0);
  const name =
    values.length === 0
      ? `${label}: nothing yet`
      : `${label}, last ten minutes: now ${words(values.at(-1))}, most ${words(most)}`;
  svg.setAttribute('aria-label', name);
  const step = width / (pointsMax - 1);
  const from = width - step * (values.length - 1);
  const y = (value) => (height - 2 - (most > 0 ? value / most : 0) * (height - 4)).toFixed(1);
  const points = values.map((value, index) => `${(from + index * step).toFixed(1)} ${y(value)}`);
  const [area, line] = svg.children;
  line.setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
  area.setAttribute(
    'd',
    points.length > 1 ? `M${from.toFixed(1)} ${height}L${points.join('L')}L${width} ${height}Z` : '',
  );
}
