/** helm/CHECKLIST.md says of the operator's rights what the chart gives: every verb, and no other. A real helm, no cluster. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { V1Role } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { kubernetesTools } from '../support/kubernetes-tools.ts';

const chart = join(import.meta.dirname, '../../helm');
const page = readFileSync(join(chart, 'CHECKLIST.md'), 'utf8');
const program = (await kubernetesTools(['helm'])).helm;

/** Values of the chart that give a right, and what each is without it. */
const optional = ['rbac.tlsSecrets'] as const;

interface Right {
  /** `core secrets, of its name: patch` */
  readonly text: string;
  /** The value of the chart that gives it; empty where it is always given. */
  readonly onlyWith: string;
}

/** Rows of the table after a comment `<!-- rights: TITLE -->`. */
function documented(title: string): readonly Right[] {
  const [, table = ''] = page.split(`<!-- rights: ${title} -->`);
  const rows = table.slice(0, table.indexOf('<!-- end of rights -->')).trim().split('\n').slice(2);
  assert.ok(rows.length > 2, title);
  return rows.flatMap((row) => {
    const [group = '', resources = '', verbs = '', why = '', onlyWith = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    assert.notEqual(why, '', row);
    const named = resources.endsWith(', of its name') ? ', of its name' : '';
    const kinds = [...resources.matchAll(/`([^`]+)`/g)].map(([, kind]) => kind);
    return kinds.flatMap((kind) =>
      verbs.split(', ').map((verb) => ({
        text: `${group.replaceAll('`', '')} ${kind}${named}: ${verb}`,
        onlyWith: onlyWith.replaceAll('`', ''),
      })),
    );
  });
}

/** What the chart gives, as roles by name. */
function roles(...values: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sets = ['crds.install=false', ...values].flatMap((value) => ['--set', value]);
  const { status, stdout, stderr } = spawnSync(program, ['template', 'edgecluster', chart, '-n', 'system', ...sets], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const all = parseAllDocuments(stdout).map((document) => document.toJS() as V1Role);
  const given = all.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  return new Map(given.map((role) => [`${role.kind} ${role.metadata?.name}`, rightsOf(role)]));
}

function rightsOf({ rules = [] }: V1Role): readonly string[] {
  return rules.flatMap(({ apiGroups = [], resources = [], resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((kind) =>
        verbs.map((verb) => `${group || 'core'} ${kind}${resourceNames === undefined ? '' : ', of its name'}: ${verb}`),
      ),
    ),
  );
}

describe('the rights in CHECKLIST.md', () => {
  const everywhere = documented('where EdgeClusters are');
  const without = optional.map((value) => `${value}=false`);
  const texts = (rights: readonly Right[]): readonly string[] => rights.map(({ text }) => text).toSorted();

  it('are those of the ClusterRole, with and without what is optional', () => {
    const name = 'ClusterRole system:edgecluster';
    const always = everywhere.filter(({ onlyWith }) => onlyWith === '');
    assert.deepEqual(
      roles(...without)
        .get(name)
        ?.toSorted(),
      texts(always),
    );
    for (const value of optional) {
      const others = without.filter((each) => !each.startsWith(value));
      const rights = everywhere.filter(({ onlyWith }) => onlyWith === '' || onlyWith === value);
      assert.deepEqual(
        roles(...others, `${value}=true`)
          .get(name)
          ?.toSorted(),
        texts(rights),
      );
    }
    for (const { onlyWith } of everywhere) assert.ok(onlyWith === '' || optional.some((value) => value === onlyWith));
  });

  it('are those of the Role in each watched namespace', () => {
    const given = roles(...without, 'watchNamespaces={live}');
    assert.deepEqual(
      given.get('Role system:edgecluster')?.toSorted(),
      texts(everywhere.filter(({ onlyWith }) => onlyWith === '')),
    );
    assert.ok(!given.has('ClusterRole system:edgecluster'));
  });

  it('are those beside the operator, and there are no further roles for it', () => {
    const given = roles(...without);
    assert.deepEqual(given.get('Role edgecluster-leader')?.toSorted(), texts(documented('beside the operator')));
    // Those of `rbac.aggregate` are for people.
    assert.deepEqual(
      [...given.keys()].filter((name) => !/:(view|edit)$/.test(name)),
      ['ClusterRole system:edgecluster', 'Role edgecluster-leader'],
    );
  });
});
