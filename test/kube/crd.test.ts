/**
 * The CRD on a real API server: it is accepted (rules within their cost), refuses and admits what offline admission
 * refuses and admits, fills in the same defaults, and is shown as meant.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { admit } from '../../operator/api/admission.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { manifestOf, rightManifests, wrongManifests } from '../operator/api/wrong-manifests.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { KubeClient, KubeFailure } from '../support/kubernetes-client.ts';
import fc from '../support/property.ts';

const examples = join(import.meta.dirname, '../../crds/examples');

/** Values of all kinds, near what is right and far from it. */
const oddValues: readonly unknown[] = [
  ...[
    null,
    '',
    [],
    {},
    [null],
    [''],
    ['a', 'a'],
    { a: 'b' },
    { a: 1 },
    { a: null },
    [{}],
    [{ name: 'a' }],
    true,
    false,
  ],
  ...[-1, 0, 1, 0.5, 128, 350, 1024, 1935, 8080, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 1e10],
  ...['a', 'A.b', 'a b', 'a\n', 'é', 'a:1', 'a:65536', 'a:01', '[::1]', '[::1]:1', '[::ffff:1.2.3.4]', '[fe80::1%0]:1'],
  ...['010.1.1.1', '10.0.0.0/8', '10.0.0.0/33', '::/0', '25%', '101%', '0%', '007', '5Mi', '1e3', 'rtmp', 'http://a/b'],
  ...['[vhost].a', '/[app]/[stream].flv', 'Local', 'Zero', 'NodePort', 'LoadBalancer', 'a'.repeat(300)],
];

/** A right manifest, with its defaults written out so that every field is there, in which one or two are replaced. */
const oddManifest = fc
  .tuple(
    fc.constantFrom(...rightManifests),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...oddValues)), { minLength: 1, maxLength: 2 }),
  )
  .map(([row, changes]) => {
    const admission = admit(manifestOf(row));
    assert.ok(admission.ok);
    return changes.reduce((manifest: unknown, [place, value]) => {
      const paths = pathsOf((manifest as EdgeCluster).spec, ['spec']);
      return replaced(manifest, paths[place % paths.length] ?? ['spec', 'origins'], value);
    }, structuredClone(admission.cluster));
  });

type Path = readonly (string | number)[];

/** Paths of everything below `value`. */
function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

function replaced(root: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(root)) return root.map((item, i) => (i === key ? replaced(item, rest, value) : item));
  const object = root as Readonly<Record<string, unknown>>;
  return { ...object, [key]: replaced(object[key], rest, value) };
}

describe('the CRD on an API server', () => {
  let kubernetes: Kubernetes;
  let client: KubeClient;
  let path: string;
  let namespace: string;

  before(async () => {
    kubernetes = await Kubernetes.start({ controllers: false });
    client = new KubeClient(kubernetes.config());
    await kubernetes.installDefinitions();
    namespace = await kubernetes.createNamespace('crd');
    path = `/apis/edgecluster.io/v1alpha1/namespaces/${namespace}/edgeclusters`;
  });

  after(async () => {
    client?.close();
    await kubernetes?.stop();
  });

  /** Creates nothing; unknown fields are refused, as kubectl asks for. */
  function tryCreate(manifest: unknown): Promise<EdgeCluster> {
    return client.post(`${path}?dryRun=All&fieldValidation=Strict`, manifest);
  }

  for (const row of wrongManifests) {
    it(`refuses ${row.name}`, async () => {
      await assert.rejects(tryCreate(manifestOf(row)), (error) => {
        assert.ok(error instanceof KubeFailure, String(error));
        assert.ok([400, 422].includes(error.status), error.message);
        // The answer is JSON, in which quotes are escaped.
        const said = error.message.replaceAll('\\"', '"');
        assert.ok(withoutType(said).includes(withoutType(row.says)), `expected "${row.says}" in\n${said}`);
        return true;
      });
    });
  }

  for (const row of rightManifests) {
    it(`admits ${row.name}, with the defaults of offline admission`, async () => {
      const admission = admit(manifestOf(row));
      assert.ok(admission.ok);
      assert.deepEqual((await tryCreate(manifestOf(row))).spec, admission.cluster.spec);
    });
  }

  it('has the verdict of offline admission on manifests with odd values, and the same defaults', async () => {
    await fc.assert(
      fc.asyncProperty(oddManifest, async (manifest) => {
        const admission = admit(manifest);
        const admitted = await tryCreate(manifest).catch((error: unknown) => {
          if (error instanceof KubeFailure && error.status < 500) return undefined;
          throw error;
        });
        assert.equal(admission.ok, admitted !== undefined, admission.ok ? 'refused' : admission.errors.join('\n'));
        if (admission.ok) assert.deepEqual(admitted?.spec, admission.cluster.spec);
      }),
      { numRuns: 500 },
    );
  });

  it('admits the examples', async () => {
    for (const file of readdirSync(examples)) {
      await kubernetes.kubectl(['apply', '-n', namespace, '--dry-run=server', '-f', join(examples, file)]);
    }
  });

  it('has a scale subresource and a status, and kubectl shows both', async () => {
    await kubernetes.kubectl(['apply', '-n', namespace, '-f', join(examples, 'edgecluster.yaml')]);
    await kubernetes.kubectl(['scale', '-n', namespace, 'ec/live', '--replicas=5']);
    const { spec } = await client.get<EdgeCluster>(`${path}/live`);
    assert.equal(spec.replicas, 5);

    const ready = { type: 'Ready', status: 'True', reason: 'Serving', message: '', observedGeneration: 2 };
    const conditions = [{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const figures = {
      replicas: 5,
      players: 12,
      publishers: 2,
      streams: 3,
      sentKbps: 900,
      updatedReplicas: 5,
      saved: { connections: 7 },
    };
    await client.patch(`${path}/live/status`, {
      status: { ...figures, conditions, originsReachable: '2/2', configuredReplicas: 4, selector: 'a=b' },
    });
    const scale = await client.get<{ status: unknown }>(`${path}/live/scale`);
    assert.deepEqual(scale.status, { replicas: 5, selector: 'a=b' });
    const table = await kubernetes.kubectl(['get', 'ec', '-n', namespace]);
    assert.match(
      table,
      /^NAME +READY +AVAILABLE +REPLICAS +PLAYERS +STREAMS +ORIGINS +AGE\nlive +True +5 +12 +3 +2\/2 +\d+s\n$/,
    );
    const wide = await kubernetes.kubectl(['get', 'ec', '-n', namespace, '-o', 'wide']);
    assert.match(
      wide,
      /AGE +PUBLISHERS +UPDATED +CONFIGURED +ABOVE +SAVED +SENT KB\/S +REASON\n.* +2 +5 +4 +7 +900 +Serving\n$/,
    );
    assert.match(await kubernetes.kubectl(['get', 'all', '-n', namespace]), /edgecluster.edgecluster.io\/live/);
  });

  it('is a manual: every field is explained', async () => {
    const explained = await kubernetes.kubectl(['explain', 'ec.spec.origins.timeouts.stallMs']);
    assert.match(explained, /taken for\s+dead,\s+in\s+milliseconds\.\s+Default 2000\./);
  });
});

/** Of a rule that is broken, Kubernetes 1.37 does not say any more that it is about an object. */
function withoutType(text: string): string {
  return text.replaceAll('Invalid value: "object": ', 'Invalid value: ');
}
