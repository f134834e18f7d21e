/** Whose change a template of pods is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../../../operator/api/types.ts';
import { templateChange, withFormerTemplate, withTemplate } from '../../../../operator/reconcile/rollout/template.ts';
import type { Owned } from '../../../../operator/render/metadata.ts';
import { render } from '../../../../operator/render/render.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';

function rendered(cluster: EdgeCluster, edgeImage = 'edge:1'): Owned<V1Deployment> {
  const origins = new Map(cluster.spec.origins.map(({ name }) => [name, ['origin-a:1935']]));
  const { objects } = render({ cluster, origins, settings: { edgeImage, podMonitors: false, masterKeys: undefined } });
  return objects.find(({ kind }) => kind === 'Deployment') as Owned<V1Deployment>;
}

describe('a template of pods', () => {
  const cluster = edgeCluster();
  const live = withTemplate(cluster, rendered(cluster), undefined);

  it('is the operator’s own change where the spec says nothing else about pods', () => {
    assert.equal(templateChange(cluster, rendered(cluster), live), 'none');
    assert.equal(templateChange(cluster, rendered(cluster, 'edge:2'), live), 'own');
    const scaled = edgeCluster({ spec: { replicas: 7, logLevel: 'Debug' } });
    assert.equal(templateChange(scaled, rendered(scaled, 'edge:2'), live), 'own');
  });

  it('is a person’s where it does, or where there is none yet', () => {
    assert.equal(templateChange(cluster, rendered(cluster), undefined), 'asked');
    const asked = edgeCluster({ spec: { pods: { drainSeconds: 7 } } });
    assert.equal(templateChange(asked, rendered(asked, 'edge:2'), live), 'asked');
  });

  it('of an operator that noted nothing waits for its turn', () => {
    const { metadata, ...others } = live;
    const { annotations: _, ...rest } = metadata;
    assert.equal(templateChange(cluster, rendered(cluster, 'edge:2'), { ...others, metadata: rest }), 'own');
  });

  it('stays as it is while all else of the Deployment follows, and the next operator knows', () => {
    const scaled = edgeCluster({ spec: { replicas: 7 } });
    const shown = structuredClone(live);
    Object.assign(shown.spec?.template.metadata ?? {}, { creationTimestamp: null });
    const held = withFormerTemplate(scaled, rendered(scaled, 'edge:2'), shown);
    assert.equal(held.spec?.replicas, 7);
    assert.deepEqual(held.spec?.template, live.spec?.template);
    assert.equal(templateChange(scaled, rendered(scaled, 'edge:2'), held), 'own');
    const asked = edgeCluster({ spec: { replicas: 7, pods: { image: 'mine:1' } } });
    assert.equal(templateChange(asked, rendered(asked, 'edge:2'), held), 'asked');
  });

  it('is made of nothing of the spec but pods, listeners and extraDirectives', () => {
    const wishes = {
      replicas: 9,
      autoscaling: { minReplicas: 2, maxReplicas: 4, targets: { playersPerPod: 10 } },
      vhosts: [{ name: 'a.example' }],
      service: { type: 'LoadBalancer' },
      availability: { rollout: { maxSurge: 3 } },
      networkPolicy: { enabled: true },
      monitoring: { podMonitor: { enabled: false } },
      maxConnections: 77,
      logLevel: 'Error',
      paused: true,
      configRollout: { strategy: 'Canary' },
      rebalance: { playersPerMinute: 7 },
      origins: [{ name: 'other', servers: ['elsewhere:1'], tls: {} }],
    };
    const template = JSON.stringify(rendered(cluster).spec?.template);
    for (const [field, value] of Object.entries(wishes)) {
      const other = edgeCluster({ spec: { [field]: value } });
      assert.equal(JSON.stringify(rendered(other).spec?.template), template, field);
    }
    const known = new Set([...Object.keys(wishes), 'pods', 'listeners', 'extraDirectives']);
    assert.deepEqual(
      Object.keys(cluster.spec).filter((field) => !known.has(field)),
      [],
      'say here what a new field does',
    );
  });
});
