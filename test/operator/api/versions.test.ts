/** Two versions in the CRD: what is generated, what is admitted, and what must be the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generateReference } from '../../../operator/api/generate-reference.ts';
import { generateTypes } from '../../../operator/api/generate-types.ts';
import { API_VERSION, GROUP } from '../../../operator/api/labels.ts';
import { type Crd, type CrdVersion, readCrd } from '../../../operator/api/schema.ts';
import { checkVersions, currentVersion } from '../../../operator/api/versions.ts';
import { apiVersionOf, RESOURCES } from '../../../operator/kube/resources.ts';

const crd = readCrd();
const alpha = currentVersion(crd);

function withVersions(...versions: readonly CrdVersion[]): Crd {
  return { ...crd, spec: { ...crd.spec, versions } };
}

/** `v1beta1` with another schema for one field of the spec. */
function beta(
  field = 'logLevel',
  schema: object = alpha.schema.openAPIV3Schema.properties?.spec?.properties?.[field] ?? {},
) {
  const { schema: whole } = structuredClone(alpha);
  const properties = whole.openAPIV3Schema.properties?.spec?.properties as Record<string, object>;
  properties[field] = schema;
  return { ...alpha, name: 'v1beta1', schema: whole };
}

const former = { ...alpha, storage: false, deprecated: true };

describe('versions of the API', () => {
  it('the one that is stored is what the operator speaks', () => {
    checkVersions(crd);
    assert.equal(`${GROUP}/${alpha.name}`, API_VERSION);
    assert.equal(apiVersionOf(RESOURCES.EdgeCluster), API_VERSION);
  });

  it('types and reference are about the one that is stored, and name the others', () => {
    const both = withVersions(former, beta());
    checkVersions(both);
    const types = generateTypes(both);
    assert.match(types, /apiVersion: 'edgecluster.io\/v1beta1';/);
    assert.equal(types.replace('v1beta1', alpha.name), generateTypes(crd), 'nothing else differs');
    const reference = generateReference(both, '');
    assert.match(reference, /^API group `edgecluster.io\/v1beta1`/m);
    assert.match(reference, /^Served as `v1alpha1`, too, with the same fields; deprecated\.$/m);
  });

  const wrong: readonly [string, Crd, RegExp][] = [
    [
      'a field that one lacks',
      withVersions(former, beta('novelty', { type: 'string' })),
      /there is no v1alpha1\.spec\.novelty$/,
    ],
    [
      'a word that one lacks',
      withVersions(former, beta('logLevel', { type: 'string', enum: ['Info'] })),
      /there is no v1beta1\.spec\.logLevel Trace, /,
    ],
    [
      'another default',
      withVersions(former, beta('replicas', { type: 'integer', default: 7 })),
      /schema of v1alpha1 is not that of v1beta1/,
    ],
    ['two that are stored', withVersions(alpha, beta()), /exactly one version/],
    ['none that is stored', withVersions(former), /exactly one version/],
    ['one that is stored and not served', withVersions({ ...alpha, served: false }), /stored and not served/],
    [
      'a webhook that converts',
      { ...crd, spec: { ...crd.spec, conversion: { strategy: 'Webhook' } } },
      /converts by Webhook, which nothing of ours does/,
    ],
  ];
  for (const [name, given, says] of wrong) {
    it(`${name} is refused`, () => assert.throws(() => checkVersions(given), says));
  }

  it('one that is not served any more may be as it was', () => {
    checkVersions(withVersions({ ...former, served: false }, beta('novelty', { type: 'string' })));
  });
});
