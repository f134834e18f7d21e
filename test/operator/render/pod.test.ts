/** Pods: what makes them anew, how long they may take to end, and what they may do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Deployment, V1PodTemplateSpec } from '@kubernetes/client-node';
import { RESTART_HASH } from '../../../operator/api/labels.ts';
import { type RenderInput, render } from '../../../operator/render/render.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { inputOf } from './cases.ts';

function templateOf(input: RenderInput): V1PodTemplateSpec {
  const deployment = render(input).objects.find(({ kind }) => kind === 'Deployment') as V1Deployment;
  return deployment.spec!.template;
}

function template(spec: Readonly<Record<string, unknown>> = {}): V1PodTemplateSpec {
  return templateOf(inputOf(edgeCluster({ spec })));
}

describe('the template of pods', () => {
  it('stays when origins come and go', () => {
    const input = inputOf(edgeCluster());
    assert.deepEqual(templateOf({ ...input, origins: new Map([['main', ['10.9.9.9:1935']]]) }), templateOf(input));
  });

  it('stays when directives change that an edge takes over', () => {
    assert.deepEqual(template({ extraDirectives: 'http_api { crossdomain off; }' }), template());
  });

  it('changes by a directive that needs a restart', () => {
    const changed = template({ extraDirectives: 'exporter { label a; }' });
    assert.notEqual(changed.metadata?.annotations?.[RESTART_HASH], template().metadata?.annotations?.[RESTART_HASH]);
  });

  it('stays when the operator is replaced by one that knows more directives', () => {
    // Only what differs from the defaults is hashed; a new hash here makes every edge of every user restart.
    assert.equal(template().metadata?.annotations?.[RESTART_HASH], 'ab65e2b5c6beda5b');
  });

  it('gives a pod time to drain, and for what comes before and after', () => {
    const seconds = (spec: Readonly<Record<string, unknown>>) => template(spec).spec?.terminationGracePeriodSeconds;
    assert.equal(seconds({ pods: { drainSeconds: 0 } }), 11);
    assert.equal(seconds({ pods: { drainSeconds: 3600 } }), 3611);
    assert.equal(seconds({ pods: { drainSeconds: 0 }, extraDirectives: 'grace_start_wait 20300;' }), 29);
  });

  it('has a stuck edge killed by its liveness probe, not after the time to drain', () => {
    const { containers = [], terminationGracePeriodSeconds } = template({ pods: { drainSeconds: 3600 } }).spec ?? {};
    assert.equal(containers[0]?.livenessProbe?.terminationGracePeriodSeconds, 5);
    assert.equal(terminationGracePeriodSeconds, 3611);
  });

  it('may wait for a pod to drain before a roll-out counts as stuck', () => {
    const deadline = (drainSeconds: number) => {
      const { objects } = render(inputOf(edgeCluster({ spec: { pods: { drainSeconds } } })));
      return (objects.find(({ kind }) => kind === 'Deployment') as V1Deployment).spec?.progressDeadlineSeconds;
    };
    assert.deepEqual([deadline(0), deadline(86_400)], [611, 87_011]);
  });

  it('has the page off unless it is asked for', () => {
    const page = (spec?: Readonly<Record<string, unknown>>) =>
      template(spec).spec?.containers[0]?.env?.find(({ name }) => name === 'SRS_EDGE_PAGE')?.value;
    assert.deepEqual([page(), page({ listeners: { http: { page: true } } })], ['off', 'on']);
  });

  it('tells the edge how long to drain', () => {
    const { containers = [] } = template({ pods: { drainSeconds: 12 } }).spec ?? {};
    assert.deepEqual(containers[0]?.env?.at(1), { name: 'SRS_EDGE_DRAIN_TIMEOUT', value: '12000' });
  });

  it('has the user’s security over ours, field by field', () => {
    const { spec } = template({
      pods: { securityContext: { fsGroup: 1 }, containerSecurityContext: { capabilities: { add: ['SYS_PTRACE'] } } },
    });
    assert.equal(spec?.securityContext?.fsGroup, 1);
    assert.equal(spec?.securityContext?.runAsNonRoot, true);
    const { capabilities, readOnlyRootFilesystem } = spec?.containers[0]?.securityContext ?? {};
    assert.deepEqual([capabilities, readOnlyRootFilesystem], [{ drop: ['ALL'], add: ['SYS_PTRACE'] }, true]);
  });

  it('is spread by the user’s constraints, which count our pods unless they say otherwise', () => {
    const ours = { maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' };
    const theirs = { ...ours, topologyKey: 'b', labelSelector: { matchLabels: { a: 'b' } } };
    const { spec } = template({ pods: { topologySpreadConstraints: [ours, theirs] } });
    const labelSelector = { matchLabels: { 'app.kubernetes.io/name': 'edge', 'edgecluster.io/cluster': 'live' } };
    assert.deepEqual(spec?.topologySpreadConstraints, [{ ...ours, labelSelector }, theirs]);
    assert.ok(!('topologySpreadConstraints' in template({ pods: { topologySpreadConstraints: [] } }).spec!));
  });

  it('is spread over nodes, and over zones where there are any', () => {
    const { spec } = template();
    // The scheduler ignores all constraints of a pod on nodes that lack the label of one: zones cannot be a second.
    assert.deepEqual(
      spec?.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey),
      ['kubernetes.io/hostname'],
    );
    const zones = spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    assert.deepEqual(
      zones.map(({ podAffinityTerm }) => podAffinityTerm.topologyKey),
      ['topology.kubernetes.io/zone'],
    );
  });

  it('has the user’s affinity, and ours only beside it', () => {
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } };
    const beside = template({ pods: { affinity } }).spec?.affinity;
    assert.deepEqual(beside?.nodeAffinity, affinity.nodeAffinity);
    assert.ok(beside?.podAntiAffinity);
    const theirs = { podAntiAffinity: {} };
    assert.deepEqual(template({ pods: { affinity: theirs } }).spec?.affinity, theirs);
    assert.ok(!('affinity' in template({ pods: { topologySpreadConstraints: [] } }).spec!));
  });

  it('takes ports of the host with hostNetwork, which keeps edges on nodes of their own', () => {
    const { spec } = template({ pods: { hostNetwork: true } });
    assert.deepEqual([spec?.hostNetwork, spec?.dnsPolicy], [true, 'ClusterFirstWithHostNet']);
    assert.ok(spec?.containers[0]?.ports?.every(({ containerPort, hostPort }) => hostPort === containerPort));
  });
});

describe('owned objects', () => {
  it('belong to the EdgeCluster, if it is on an API server', () => {
    const { objects } = render(inputOf(edgeCluster()));
    for (const { kind, metadata } of objects) {
      assert.deepEqual(
        metadata.ownerReferences?.map(({ uid }) => uid),
        [edgeCluster().metadata.uid],
        kind,
      );
    }
    const { uid: _, ...metadata } = edgeCluster().metadata;
    const offline = { ...edgeCluster(), metadata };
    for (const object of render(inputOf(offline)).objects) assert.ok(!('ownerReferences' in object.metadata));
  });

  it('come in an order in which pods find what they need', () => {
    const kinds = render(inputOf(edgeCluster())).objects.map(({ kind }) => kind);
    for (const needed of ['ServiceAccount', 'ConfigMap']) {
      assert.ok(kinds.indexOf(needed) >= 0 && kinds.indexOf(needed) < kinds.indexOf('Deployment'));
    }
  });

  it('leave the account alone that Kubernetes makes in each namespace', () => {
    const cluster = edgeCluster({ metadata: { name: 'default' } });
    const { objects } = render({ ...inputOf(edgeCluster()), cluster });
    assert.ok(!objects.some(({ kind }) => kind === 'ServiceAccount'));
    const { spec } = templateOf({ ...inputOf(edgeCluster()), cluster });
    assert.deepEqual([spec?.serviceAccountName, spec?.automountServiceAccountToken], ['default', false]);
  });

  it('are only those that are asked for and possible', () => {
    const kinds = (input: RenderInput) => render(input).objects.map(({ kind }) => kind);
    const input = inputOf(edgeCluster());
    assert.ok(!kinds({ ...input, settings: { ...input.settings, podMonitors: false } }).includes('PodMonitor'));
    const cluster = edgeCluster({
      spec: {
        pods: { serviceAccountName: 'mine' },
        availability: { podDisruptionBudget: { enabled: false } },
        listeners: { exporter: { enabled: false } },
      },
    });
    assert.deepEqual(kinds({ ...input, cluster }), ['ConfigMap', 'Secret', 'Service', 'Service', 'Deployment']);
  });
});
