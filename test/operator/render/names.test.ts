/** Whatever name the API allows an EdgeCluster: all that it owns has names and labels that Kubernetes takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import { admit } from '../../../operator/api/admission.ts';
import { render } from '../../../operator/render/render.ts';
import { isLabelValue, isNameOf, isSubdomain, podNameOf } from '../../helm/names.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import fc from '../../support/property.ts';
import { caseOf, inputOf } from './cases.ts';

const { spec } = caseOf('everything').cluster;

/** As the rules of the CRD have it, and one character more. */
const names = fc
  .tuple(fc.constantFrom(1, 2, 30, 49, 50, 51), fc.constantFrom('a', 'live', 'x-', 'e9', 'a--b'))
  .map(([length, part]) => part.repeat(51).slice(0, length).replace(/-$/, 'z'));

describe('names of what an EdgeCluster owns', () => {
  it('are valid, and differ from each other within a kind', () => {
    const property = fc.property(names, (name) => {
      const cluster = { ...edgeCluster(), metadata: { name, namespace: 'media', uid: '1' }, spec };
      const admission = admit({ apiVersion: 'edgecluster.io/v1alpha1', kind: 'EdgeCluster', metadata: { name }, spec });
      assert.equal(admission.ok, name.length <= 50, name);
      if (!admission.ok) return;
      const { objects } = render(inputOf(cluster));
      const titles = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      assert.equal(new Set(titles).size, titles.length);
      for (const { kind, metadata } of objects) {
        assert.ok(isNameOf(kind, metadata.name), `${kind} ${metadata.name}`);
        for (const value of Object.values(metadata.labels ?? {})) assert.ok(isLabelValue(value), value);
      }
      const { metadata, spec: wanted } = objects.find(({ kind }) => kind === 'Deployment') as V1Deployment;
      for (const value of Object.values(wanted?.template.metadata?.labels ?? {})) assert.ok(isLabelValue(value), value);
      // The ReplicaSet, and a pod: its name is its host name, too.
      assert.ok(isSubdomain(`${metadata?.name}-7c9d6b5f4x`));
      assert.ok(podNameOf(metadata?.name ?? '', '7c9d6b5f4x', 'x2v9q').length <= 63);
    });
    fc.assert(property);
  });
});
