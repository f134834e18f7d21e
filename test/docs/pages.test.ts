/** The pages that people read: every link leads somewhere, README leads to every page, and it stays short. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
/** Most words README may have. */
const mostWords = 1500;

const pages = [...globSync('{*.md,.github/*.md,{crds,edge,helm,operator,test}/**/*.md}', { cwd: root })].sort();

const text = (page: string): string => readFileSync(join(root, page), 'utf8');

/** What stands in code is no link and no heading. */
const prose = (page: string): string =>
  text(page)
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/^ {4}.*$/gm, '');

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/[^\p{Letter}\p{Number}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

interface Link {
  readonly to: string;
  readonly anchor: string;
}

/** Links to places in this repository. */
function links(page: string): Link[] {
  const plain = prose(page).replaceAll(/`[^`\n]*`/g, '');
  const targets = [
    ...[...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
    ...[...plain.matchAll(/(?:src|srcset|href)="([^"]+)"/g)].map(([, target = '']) => target),
  ];
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { to: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

describe('pages', () => {
  for (const page of pages) {
    test(`${page}: its links lead somewhere`, () => {
      const broken = links(page).filter(({ to, anchor }) => {
        if (!existsSync(join(root, to))) return true;
        return anchor !== '' && to.endsWith('.md') && !anchors(to).has(anchor);
      });
      assert.deepEqual(broken, []);
    });
  }

  test('README leads to every page, over others', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) {
      for (const { to } of links(page)) if (to.endsWith('.md') && existsSync(join(root, to))) reached.add(to);
    }
    assert.deepEqual(
      pages.filter((page) => !reached.has(page)),
      [],
    );
  });

  test(`README has at most ${mostWords} words`, () => {
    assert.ok(text('README.md').split(/\s+/).length <= mostWords);
  });

  test('a command of the edge is told as it can be typed in a checkout', () => {
    // Releases tell what the program that they hold can do.
    const told = pages.filter((page) => page !== 'CHANGELOG.md' && /`edge -[tTc] /.test(text(page)));
    assert.deepEqual(told, []);
  });

  test('files that pages name in their commands are there', () => {
    for (const page of pages) {
      const named = text(page).matchAll(
        /(?<=\s)((?:crds|edge|helm|operator|test)\/[\w./-]*\w\.(?:ts|yaml|yml|conf))\b/g,
      );
      for (const [, file = ''] of named) {
        const here = [root, join(root, dirname(page))].some((base) => existsSync(join(base, file)));
        assert.ok(here, `${relative(root, page)} names ${file}`);
      }
    }
  });
});
