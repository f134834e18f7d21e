/** The text of metrics, as Prometheus reads it. */

import type { Registry } from 'prom-client';
import { nextTurn } from './in-turns.ts';

/** What is made in one turn of the event loop, in bytes of text: about a millisecond's work. */
const perTurn = 8 * 1024;
/** A metric takes some work however short it is. */
const leastPerMetric = 512;

/** Reads one metric after the other; the event loop turns meanwhile. */
export async function metricsText(registry: Registry): Promise<string> {
  const texts: string[] = [];
  let made = 0;
  for (const { name } of registry.getMetricsAsArray()) {
    const text = await registry.getSingleMetricAsString(name);
    texts.push(text);
    made += Math.max(leastPerMetric, text.length);
    if (made < perTurn) continue;
    await nextTurn();
    made = 0;
  }
  return `${texts.join('\n\n')}\n`;
}
