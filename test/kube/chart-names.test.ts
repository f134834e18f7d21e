/**
 * Whatever a release is called: all objects of the chart have names that Kubernetes takes, and what refers to one by its
 * name means it. A real helm, no cluster; chart.test.ts installs the longest names.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { V1Deployment, V1PodSpec } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { isLabelValue, isNameOf, podNameOf } from '../helm/names.ts';
import { kubernetesTools } from '../support/kubernetes-tools.ts';
import fc from '../support/property.ts';

const chart = join(import.meta.dirname, '../../helm');
const program = (await kubernetesTools(['helm'])).helm;
const everything = [
  'crds.install=false',
  'podDisruptionBudget.enabled=true',
  'networkPolicy.enabled=true',
  'metrics.podMonitor.enabled=true',
  'metrics.prometheusRule.enabled=true',
  'metrics.dashboards.enabled=true',
].flatMap((value) => ['--set', value]);

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

interface Naming {
  readonly release: string;
  readonly nameOverride: string;
  readonly fullnameOverride: string;
}

/** A label of at most so many characters: short ones, and those that are as long as they may be. */
function label(maxLength: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(1, 10, 46, 47, 53, 57, 58, 62, 63), fc.constantFrom('a', '7', 'edgecluster', 'x-', 'a--b'))
    .map(([length, part]) => part.repeat(63).slice(0, Math.min(length, maxLength)).replace(/-+$/, ''));
}

/** Names that YAML would read as something else than text. */
const noText = fc.constantFrom('7', '1e3', '0x1f', 'true', 'null', 'on', 'y', '1.5', '2026-01-01');

/** Release names may have dots. */
const release = fc.oneof(
  { weight: 1, arbitrary: noText },
  { weight: 4, arbitrary: label(53) },
  {
    weight: 1,
    arbitrary: label(53)
      .filter((name) => name.length < 50)
      .map((name) => `${name}.b`),
  },
);

const naming: fc.Arbitrary<Naming> = fc.record({
  release,
  nameOverride: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.oneof(label(63), fc.constantFrom('7', 'true', 'on')) },
  ),
  fullnameOverride: fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.oneof(label(63), fc.constantFrom('7', 'true', 'on')) },
  ),
});

function template({ release, nameOverride, fullnameOverride }: Naming): readonly Manifest[] {
  const names = ['--set-string', `nameOverride=${nameOverride},fullnameOverride=${fullnameOverride}`];
  const args = ['template', release, chart, '-n', 'media', ...everything, ...names];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  // Helm and Kubernetes read YAML 1.1, in which `on` is no text.
  return parseAllDocuments(stdout, { version: '1.1' }).map((document) => document.toJS() as Manifest);
}

describe('names of a release', () => {
  const check = fc.property(naming, (given) => {
    const objects = template(given);
    const named = (kind: string) =>
      objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
    for (const { kind, metadata } of objects) {
      assert.ok(isNameOf(kind, metadata.name), `${kind} ${metadata.name}`);
      for (const [key, value] of Object.entries(metadata.labels ?? {}))
        assert.ok(isLabelValue(value), `${key}: ${value}`);
    }

    const deployment = objects.find(({ kind }) => kind === 'Deployment') as unknown as V1Deployment;
    const pod = deployment.spec?.template.spec as V1PodSpec;
    assert.deepEqual([pod.serviceAccountName], named('ServiceAccount'));
    const args = pod.containers[0]?.args ?? [];
    const argument = (name: string) => args.find((text) => text.startsWith(`--${name}=`))?.split('=')[1];
    const leader = JSON.stringify(
      objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-leader')),
    );
    for (const name of [argument('lease-name'), argument('master-key-secret')])
      assert.ok(leader.includes(`"resourceNames":["${name}"]`), name);

    const rules = JSON.stringify(objects.find(({ kind }) => kind === 'PrometheusRule'));
    const patterns = new Set([...rules.matchAll(/pod=~\\"([^"]+)\\"/g)].map(([, pattern = '']) => pattern));
    assert.equal(patterns.size, 1);
    const pattern = new RegExp(`^(?:${[...patterns][0]})$`);
    const [name = ''] = named('Deployment');
    for (const hash of ['7c9d6b5f4x', '84b7', 'z']) {
      assert.match(podNameOf(name, hash, 'x2v9q'), pattern);
      if (name.length < 46) assert.doesNotMatch(podNameOf(`${name}-b`, hash, 'x2v9q'), pattern);
    }
  });

  it('are valid and agree, of any length', { timeout: 240_000 }, () => fc.assert(check, { numRuns: 60 }));

  it('differ for two releases, however long they are', () => {
    const services = ['a', 'b'].map((end) => {
      const objects = template({ release: `${'9'.repeat(52)}${end}`, nameOverride: '', fullnameOverride: '' });
      return objects.find(({ kind }) => kind === 'Service')?.metadata.name;
    });
    assert.notEqual(services[0], services[1]);
  });

  it('stay what they were, where those were valid', () => {
    const objects = template({ release: 'live', nameOverride: '', fullnameOverride: '' });
    assert.equal(objects.find(({ kind }) => kind === 'Service')?.metadata.name, 'live-edgecluster-metrics');
  });
});
