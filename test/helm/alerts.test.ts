/** What can be seen of the alerts without helm: names stand in the template as they are. test/kube runs them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const rule = readFileSync(join(root, 'helm/templates/prometheusrule.yaml'), 'utf8');
const alerts = rule
  .split('- alert: ')
  .slice(1)
  .map((text) => ({ name: text.slice(0, text.indexOf('\n')), text }));

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
    assert.ok(alerts.length > 8);
    for (const { name, text } of alerts) {
      for (const field of ['for', 'summary', 'description'])
        assert.match(text, new RegExp(`\n +${field}: `), `${name} has no ${field}`);
      assert.match(text, /"edgecluster.alertLabels" \(list \$ "(warning|critical)"\)/, name);
    }
  });

  it('each have a section in the runbook, which their link names, and no section is about none', () => {
    const runbook = readFileSync(join(root, 'helm/RUNBOOK.md'), 'utf8');
    const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    assert.deepEqual(
      sections,
      alerts.map(({ name }) => name),
    );
    for (const { name, text } of alerts) {
      assert.ok(text.includes(`"edgecluster.runbook" (list $ "${name}")`), `${name} links to another section`);
    }
  });
});
