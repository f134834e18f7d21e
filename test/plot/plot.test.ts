/** Plots: what they draw is what was measured, and whole SVG. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Plot, plotSvg } from './plot.ts';

const plot: Plot = {
  title: 'A <ramp>',
  description: 'players & edges',
  panels: [
    {
      title: 'Players',
      series: [
        {
          name: 'playing',
          colour: 'blue',
          points: [
            [0, 0],
            [60, 1_500],
            [90, undefined],
            [120, 0],
          ],
        },
      ],
    },
    {
      title: 'Edges',
      series: [
        {
          name: 'ready',
          colour: 'green',
          isStepped: true,
          points: [
            [0, 1],
            [60, 4],
            [120, 4],
          ],
        },
      ],
    },
  ],
};

const pathsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<path [^>]* d="([^"]*)"/g)].map(([, d = '']) => d);

describe('a plot', () => {
  const svg = plotSvg(plot);

  it('draws from the left end to the right one, and the greatest value uppermost', () => {
    const [players = ''] = pathsOf(svg);
    assert.match(players, /^M60,152L402,34/);
    assert.match(players, /744,152/);
  });

  it('leaves a gap where nothing is known', () => {
    assert.equal(pathsOf(svg)[0]?.split('M').length, 3);
  });

  it('holds a count until it changes', () => {
    const [, edges = ''] = pathsOf(svg);
    // Right first, then up.
    assert.match(edges, /^M60,(\d+\.?\d*)L402,\1L402,186L/);
  });

  it('writes numbers as people do, halves of counts never, and no text that would be markup', () => {
    const texts = [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text);
    assert.ok(texts.includes('1,500'));
    assert.ok(!texts.some((text) => text?.includes('.')));
    assert.match(svg, /<title id="title">A &lt;ramp&gt;<\/title>/);
    assert.match(svg, /players &amp; edges/);
  });

  it('of nothing is empty, not broken', () => {
    const empty = plotSvg({
      ...plot,
      panels: [{ title: 'Players', series: [{ name: 'x', colour: 'blue', points: [] }] }],
    });
    assert.doesNotMatch(empty, /NaN|Infinity|undefined/);
  });
});
