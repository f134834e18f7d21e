/** The alerts ask for metrics that there are. No helm needed: names stand in the template as they are. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const rule = readFileSync(join(root, 'helm/templates/prometheusrule.yaml'), 'utf8');

describe('alerts', () => {
  const sources = globSync(['edge/**/*.ts', 'operator/**/*.ts'], { cwd: root })
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const literal = [...sources.matchAll(/'(edge_[a-z_]+)'/g)].map(([, name]) => name);
  const prefixed = [...sources.matchAll(/`\$\{prefix\}([a-z_]+)`/g)].map(([, name]) => `edgecluster_operator_${name}`);
  const made = new Set([...literal, ...prefixed]);

  it('are about metrics that edges and operator have', () => {
    const asked = [...rule.matchAll(/\b((?:edge|edgecluster_operator)_[a-z_]+)\b/g)].map(([, name = '']) => name);
    assert.ok(asked.length > 8);
    for (const name of asked) assert.ok(made.has(name.replace(/_(bucket|sum|count)$/, '')), name);
  });

  it('say what it is and what to do', () => {
    const alerts = rule.split('- alert: ').slice(1);
    assert.ok(alerts.length > 8);
    for (const alert of alerts) {
      const name = alert.slice(0, alert.indexOf('\n'));
      for (const field of ['for', 'severity', 'summary', 'description'])
        assert.match(alert, new RegExp(`\n +${field}: `), `${name} has no ${field}`);
    }
  });
});
