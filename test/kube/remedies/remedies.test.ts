/**
 * The remedies of crds/TROUBLESHOOTING.md, tried on a real API server: the condition comes, what the row says is done,
 * and the condition goes. shown-elsewhere.ts has the rows that need edges that run, or time.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Kubernetes } from '../../support/kubernetes.ts';
import { KubeClient } from '../../support/kubernetes-client.ts';
import { OperatorInProcess } from '../../support/operator-in-process.ts';
import { ofEdges } from './of-edges.ts';
import { ofObjects } from './of-objects.ts';
import { ofOrigins } from './of-origins.ts';
import { ofSpecs } from './of-specs.ts';
import { Place, type Remedy, tryOut } from './remedy.ts';
import { notTried, shownElsewhere } from './shown-elsewhere.ts';

const root = join(import.meta.dirname, '../../..');
const remedies: readonly Remedy[] = [...ofSpecs, ...ofOrigins, ...ofObjects];

describe('a remedy', () => {
  let kubernetes: Kubernetes;
  let client: KubeClient;

  before(async () => {
    kubernetes = await Kubernetes.start();
    await kubernetes.installDefinitions();
    client = new KubeClient(kubernetes.config());
  });
  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });

  describe('of an operator that looks after all namespaces:', { concurrency: true }, () => {
    let operator: OperatorInProcess;
    before(async () => {
      const namespace = await kubernetes.createNamespace('operator');
      operator = new OperatorInProcess(kubernetes, { namespace, options: { namespaces: [] } });
    });
    after(() => operator.stop());

    for (const remedy of remedies) it(remedy.name, async () => tryOut(remedy, await Place.open(kubernetes, client)));
  });

  it('a master key that is none, of an operator of its own', async () => {
    const place = await Place.open(kubernetes, client);
    const masterKey = 'edgecluster-operator-master-key';
    await place.kubectl('create', 'secret', 'generic', masterKey);
    const operator = new OperatorInProcess(kubernetes, { namespace: place.namespace });
    try {
      await tryOut(
        {
          name: 'a master key that is none',
          rows: ['Degraded CredentialMissing'],
          produce: () => place.create(),
          remedy: () => place.kubectl('delete', 'secret', masterKey),
        },
        place,
      );
    } finally {
      await operator.stop();
    }
  });
});

describe('the table of conditions', () => {
  const tried = new Set<string>([
    ...[...remedies, ...ofEdges].flatMap(({ rows }) => rows),
    'Degraded CredentialMissing',
  ]);

  it('has no remedy that nobody has tried, but those that are listed with a reason', () => {
    const listed = { ...shownElsewhere, ...notTried };
    const rows = readFileSync(join(root, 'crds/TROUBLESHOOTING.md'), 'utf8')
      .split('\n')
      .filter((line) => /^\| [A-Z]/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter(([, , , , , remedy = '']) => !refers(remedy))
      .map(([, condition, reason]) => `${condition} ${reason}`);
    assert.deepEqual(
      rows.filter((row) => !tried.has(row) && !(row in listed)),
      [],
      'try these, or list them in shown-elsewhere.ts',
    );
    const stale = Object.keys(listed).filter((row) => !rows.includes(row) || tried.has(row));
    assert.deepEqual(stale, [], 'these need no place in shown-elsewhere.ts');
  });

  it('names tests for the others that speak of them', () => {
    for (const [row, file] of Object.entries(shownElsewhere)) {
      const path = join(root, 'test', file);
      const [, reason = ''] = row.split(' ');
      assert.ok(existsSync(path) && readFileSync(path, 'utf8').includes(reason), `${row} in test/${file}`);
    }
  });
});

/** Nothing to do, or another row says what. */
function refers(remedy: string): boolean {
  return /^(–|Wait\.|The same\.|As for .*|See `\w+`\.|`\w+`( or `\w+`)? (says|has) .*\.)$/.test(remedy);
}
