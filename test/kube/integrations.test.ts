/**
 * The examples of crds/integrations on a real API server with the other projects' own definitions: it takes each of them
 * without a word, and what they say of an EdgeCluster is so.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { admit } from '../../operator/api/admission.ts';
import { REASONS } from '../../operator/api/conditions.ts';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { moduleDirectory } from '../support/go-modules.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { missing } from '../support/programs.ts';

const directory = join(import.meta.dirname, '../../crds/integrations');

/** Modules, and the folders in them that hold the definitions. Versions that Go 1.24 takes. */
const definitions: readonly (readonly [module: string, folder: string, files: RegExp])[] = [
  ['github.com/cert-manager/cert-manager@v1.17.4', 'deploy/crds', /certificates\.yaml$/],
  ['sigs.k8s.io/external-dns@v0.18.0', 'config/crd/standard', /dnsendpoints/],
  ['sigs.k8s.io/gateway-api@v1.3.0', 'config/crd/experimental', /io_(gateways|tcproutes|httproutes)\.yaml$/],
  ['github.com/argoproj/argo-cd/v3@v3.0.12', 'manifests/crds', /application-crd\.yaml$/],
  ['github.com/fluxcd/source-controller@v1.8.5', 'config/crd/bases', /gitrepositories/],
  ['github.com/fluxcd/kustomize-controller@v1.7.3', 'config/crd/bases', /kustomizations/],
  ['github.com/kedacore/keda/v2@v2.17.2', 'config/crd/bases', /_scaledobjects/],
];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

function read(file: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(join(directory, file), 'utf8')).map((document) => document.toJS() as Manifest);
}

/** The object of this kind in an example. */
function find<Spec>(file: string, kind: string): Manifest & { readonly spec: Spec } {
  const found = read(file).find((manifest) => manifest.kind === kind);
  assert.ok(found?.spec, `${file} has no ${kind}`);
  return found as Manifest & { readonly spec: Spec };
}

/** With all defaults. */
function clusterOf(file: string): EdgeCluster {
  const admission = admit(read(file).find(({ kind }) => kind === 'EdgeCluster'));
  assert.ok(admission.ok, file);
  return admission.cluster;
}

const skip =
  process.env.USE_EXISTING_CLUSTER === 'true'
    ? 'definitions of other projects are installed here'
    : missing('go', 'lua5.1');

describe('examples beside other projects', { skip }, () => {
  let kubernetes: Kubernetes;

  before(async () => {
    kubernetes = await Kubernetes.start({ controllers: false });
    await kubernetes.installDefinitions();
    for (const name of ['argocd', 'flux-system', 'media']) await kubernetes.kubectl(['create', 'namespace', name]);
    for (const [module, folder, files] of definitions) {
      const place = join(await moduleDirectory(module), folder);
      const names = readdirSync(place).filter((name) => files.test(name));
      assert.ok(names.length > 0, `${module} has no ${files}`);
      for (const name of names) {
        const { kind, metadata, spec } = parse(readFileSync(join(place, name), 'utf8')) as Manifest;
        // Labels may be templates of a chart. The approval of what is under k8s.io is an annotation.
        const { name: own, annotations } = metadata;
        const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind, metadata: { name: own, annotations }, spec };
        await kubernetes.kubectl(['apply', '--server-side', '-f', '-'], { input: JSON.stringify(definition) });
        await kubernetes.wait(['--for=condition=Established', `crd/${own}`]);
      }
    }
  });
  after(() => kubernetes?.stop());

  const examples = readdirSync(directory).filter((file) => file.endsWith('.yaml'));
  for (const file of examples) {
    it(`the API server takes ${file}`, async () => {
      const path = join(directory, file);
      const { code, stderr } = await kubernetes.tryKubectl(['apply', '--validate=strict', '-f', path]);
      assert.deepEqual([code, stderr], [0, '']);
      if (file === 'keda.yaml') await scales();
      await kubernetes.kubectl(['delete', '-f', path]);
    });
  }

  /** As an autoscaler does, which reads the one and writes the other. */
  async function scales(): Promise<void> {
    const { spec } = find<{
      readonly scaleTargetRef: unknown;
      readonly triggers: readonly { metadata: { query: string } }[];
    }>('keda.yaml', 'ScaledObject');
    assert.deepEqual(spec.scaleTargetRef, { apiVersion: 'edgecluster.io/v1alpha1', kind: 'EdgeCluster', name: 'live' });
    await kubernetes.kubectl(['scale', 'ec', 'live', '--replicas=7']);
    const path = '/apis/edgecluster.io/v1alpha1/namespaces/default/edgeclusters/live/scale';
    const scale = JSON.parse(await kubernetes.kubectl(['get', '--raw', path])) as { spec: { replicas: number } };
    assert.equal(scale.spec.replicas, 7);
    assert.match(spec.triggers[0]?.metadata.query ?? '', /^sum\(edge_players\{namespace="default", name="live"\}\)$/);
  }

  it('every example is tried, and told of', () => {
    const page = readFileSync(join(directory, 'README.md'), 'utf8');
    for (const file of [...examples, 'prometheus.yml']) assert.ok(page.includes(`[${file}](${file})`), file);
    for (const [module] of definitions) {
      const [, version = ''] = /@v(\d+\.\d+)/.exec(module) ?? [];
      assert.ok(page.includes(` ${version}`), `README.md does not tell of ${module}`);
    }
  });

  it('cert-manager: the listeners take the Secret that the Certificate is written to', () => {
    const { spec } = find<{ readonly secretName: string }>('cert-manager.yaml', 'Certificate');
    const { rtmps, https } = clusterOf('cert-manager.yaml').spec.listeners;
    assert.deepEqual([rtmps?.secretName, https?.secretName], [spec.secretName, spec.secretName]);
  });

  it('Gateway API: routes lead to ports of the Service', () => {
    const { metadata, spec } = clusterOf('gateway-tcproute.yaml');
    for (const [kind, port] of [
      ['TCPRoute', spec.listeners.rtmp.port],
      ['HTTPRoute', spec.listeners.http.port],
    ] as const) {
      const route = find<{ readonly rules: readonly { readonly backendRefs: readonly unknown[] }[] }>(
        'gateway-tcproute.yaml',
        kind,
      );
      assert.deepEqual(route.spec.rules[0]?.backendRefs, [{ name: metadata.name, port }]);
    }
  });

  describe('Argo CD: the health of an EdgeCluster', () => {
    const key = 'resource.customizations.health.edgecluster.io_EdgeCluster';
    const script = read('argocd.yaml').find(({ kind }) => kind === 'ConfigMap')?.data?.[key] ?? '';

    /** As Argo CD asks: the object is `obj`, the answer is what the script returns. */
    function health(status: string): string {
      const program = `
        local obj = { metadata = { generation = 2 }, status = ${status} }
        local answer = (function() ${script} end)()
        io.write(answer.status, ': ', answer.message)`;
      const { stdout, stderr } = spawnSync('lua5.1', ['-'], { input: program, encoding: 'utf8' });
      assert.equal(stderr, '');
      return stdout;
    }
    it('paused', () => {
      const paused = `{ type = 'Ready', status = 'False', reason = 'Paused', message = 'nothing is applied' }`;
      const status = `{ observedGeneration = 2, conditions = { ${paused} } }`;
      assert.equal(health(status), 'Suspended: nothing is applied');
    });

    const conditions = (found: Readonly<Record<string, string>>, observedGeneration = 2): string => {
      const list = Object.entries(found).map(
        ([type, status]) => `{ type = '${type}', status = '${status}', message = 'of ${type}' }`,
      );
      return `{ observedGeneration = ${observedGeneration}, conditions = { ${list.join(', ')} } }`;
    };

    for (const [what, status, expected] of [
      ['no status', 'nil', 'Progressing: the operator has not seen this generation yet'],
      ['a status without conditions', '{ observedGeneration = 2 }', 'Progressing: no condition Ready yet'],
      [
        'an old generation',
        conditions({ Ready: 'True' }, 1),
        'Progressing: the operator has not seen this generation yet',
      ],
      ['all ready', conditions({ Ready: 'True', Stalled: 'False', ConfigValid: 'True' }), 'Healthy: of Ready'],
      ['rolling out', conditions({ Ready: 'False', Available: 'True', Stalled: 'False' }), 'Progressing: of Ready'],
      ['stuck', conditions({ Ready: 'False', Available: 'True', Stalled: 'True' }), 'Degraded: of Stalled'],
      ['invalid', conditions({ Ready: 'False', ConfigValid: 'False', Stalled: 'True' }), 'Degraded: of ConfigValid'],
      ['edges that do not answer', conditions({ Ready: 'Unknown', Available: 'True' }), 'Healthy: of Available'],
      ['nothing known', conditions({ Ready: 'Unknown', Available: 'False' }), 'Progressing: of Ready'],
    ] as const) {
      it(what, () => assert.equal(health(status), expected));
    }

    it('asks for conditions that there are', () => {
      const asked = [...script.matchAll(/condition\("(\w+)"\)/g)].map(([, name = '']) => name);
      assert.ok(asked.length >= 4);
      for (const name of asked) assert.ok(name in REASONS, name);
      assert.ok('Paused' in REASONS.Ready);
    });
  });
});
