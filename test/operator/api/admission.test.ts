/** Offline admission: the table of wrong manifests, defaults, places in files. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import type { V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { parseConfig } from '../../../edge/conf/load.ts';
import { admit, admitText } from '../../../operator/api/admission.ts';
import { readText } from '../../../operator/api/manifests.ts';
import type { EdgeClusterSpec } from '../../../operator/api/types.ts';
import { version } from '../../../operator/version.ts';
import { manifestOf, rightManifests, wrongManifests } from './wrong-manifests.ts';

const examples = join(import.meta.dirname, '../../../crds/examples');

function errorsOf(manifest: unknown): readonly string[] {
  const admission = admit(manifest);
  return admission.ok ? [] : admission.errors;
}

function specOf(manifest: unknown): EdgeClusterSpec {
  const admission = admit(manifest);
  assert.ok(admission.ok, admission.ok ? '' : admission.errors.join('\n'));
  return admission.cluster.spec;
}

const head = 'apiVersion: edgecluster.io/v1alpha1\nkind: EdgeCluster\nmetadata: { name: live }\n';

describe('admission refuses', () => {
  for (const row of wrongManifests) {
    it(row.name, () => {
      const errors = errorsOf(manifestOf(row));
      assert.ok(
        errors.some((error) => error.includes(row.says)),
        `expected "${row.says}" in\n${errors.join('\n')}`,
      );
    });
  }

  it('what is no EdgeCluster', () => {
    assert.deepEqual(errorsOf([]), ['this is no object']);
    assert.match(
      errorsOf({ apiVersion: 'v1', kind: 'EdgeCluster' })[0] ?? '',
      /write apiVersion: edgecluster\.io\/v1alpha1 and kind/,
    );
  });

  it('all that is wrong at once, and with a guess at what was meant', () => {
    const errors = errorsOf(manifestOf({ name: '', spec: '{ orgins: [], replicas: many }' }));
    assert.deepEqual(errors, [
      'unknown field "spec.orgins": did you mean "origins"?',
      'spec.replicas: Invalid value: "many": must be of type integer: "string"',
    ]);
  });
});

describe('admission lets pass', () => {
  for (const row of rightManifests) it(row.name, () => assert.deepEqual(errorsOf(manifestOf(row)), []));

  for (const file of readdirSync(examples)) {
    it(`the example ${file}`, () => {
      for (const admission of admitText(readFileSync(join(examples, file), 'utf8'), file)) {
        assert.deepEqual(admission.ok ? [] : admission.errors, []);
      }
    });
  }
});

test('the origin of an example runs the image that make image builds, with a configuration that the edge takes', () => {
  const [, , origin, config] = readText(readFileSync(join(examples, 'with-an-origin.yaml'), 'utf8'), 'example');
  const { spec } = origin!.value as V1Deployment;
  assert.equal(spec?.template.spec?.containers[0]?.image, `edgecluster:${version}`);
  const { data } = config!.value as V1ConfigMap;
  assert.deepEqual(parseConfig(data?.['origin.conf'] ?? '').warnings, []);
});

describe('admission fills in', () => {
  it('defaults, also in what is a default itself', () => {
    const spec = specOf(manifestOf({ name: '' }));
    assert.equal(spec.replicas, 2);
    assert.deepEqual(spec.listeners.rtmp, { port: 1935 });
    assert.deepEqual(
      spec.vhosts.map(({ name, play }) => [name, play.gopCache]),
      [['__defaultVhost__', true]],
    );
    assert.equal(spec.origins[0]?.timeouts.stallMs, 2000);
    assert.deepEqual(spec.pods.resources.limits, { memory: '512Mi' });
  });

  it('nothing where something is given', () => {
    const spec = specOf(manifestOf({ name: '', spec: 'pods: { resources: { limits: { cpu: 1 } } }' }));
    assert.deepEqual(spec.pods.resources, { limits: { cpu: 1 } });
  });

  it('a copy: what it was given stays as it is', () => {
    const manifest = manifestOf({ name: '' });
    const before = structuredClone(manifest);
    specOf(manifest);
    assert.deepEqual(manifest, before);
  });
});

describe('manifests as text', () => {
  it('errors name file, line and column of the field, or of what should hold it', () => {
    const text = `# first line\n${head}spec:\n  origins: [{ name: main, servers: [a] }]\n  vhosts:\n    - { name: "*" }\n  listeners:\n    rtmps: { port: 1443 }\n`;
    const [admission] = admitText(text, 'live.yaml');
    assert.ok(admission && !admission.ok);
    assert.deepEqual(admission.errors, ['live.yaml:10:12: spec.listeners.rtmps.secretName: Required value']);
    const [other] = admitText(text.replace('{ port: 1443 }', '{ secretName: a }'), 'live.yaml');
    assert.ok(other && !other.ok);
    assert.match(
      other.errors.join('\n'),
      /^live\.yaml:8:15: spec\.vhosts\[0\]\.name: Invalid value: "\*": give a host/,
    );
  });

  it('several documents, empty ones, and objects of other kinds beside them', () => {
    const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n';
    const text = `---\n---\n${secret}---\n${head}spec: { origins: [{ name: a, servers: [a] }] }\n---\n# nothing\n`;
    assert.equal(readText(text, 'a').length, 2);
    assert.deepEqual(
      admitText(text, 'a').map(({ ok }) => ok),
      [true],
    );
    assert.deepEqual(
      admitText(head.replace('v1alpha1', 'v9'), 'a').map(({ ok }) => ok),
      [false],
    );
    assert.deepEqual(readText('', 'a'), []);
  });

  it('a List is what it holds', () => {
    const text = `kind: List\napiVersion: v1\nitems:\n- ${head.replaceAll('\n', '\n  ')}spec: { origins: [] }\n`;
    const [admission] = admitText(text, 'list.yaml');
    assert.ok(admission && !admission.ok);
    assert.match(admission.errors.join('\n'), /^list\.yaml:7:20: spec\.origins: .* at least 1 items$/);
  });

  it('YAML as kubectl reads it: on and off are booleans, 12:30 is text', () => {
    const [document] = readText('{ a: on, b: Off, c: 12:30, d: 2020-01-01, e: "on" }', 'a');
    assert.deepEqual(document?.value, { a: true, b: false, c: '12:30', d: '2020-01-01', e: 'on' });
  });

  it('what is no YAML: file, line and column', () => {
    assert.throws(() => readText('a: 1\nb: [1\n', 'live.yaml'), /^ConfigError: live\.yaml:3:1: /);
    assert.throws(() => readText('a: 1\na: 2\n', 'live.yaml'), /^ConfigError: live\.yaml:2:1: /);
  });
});
