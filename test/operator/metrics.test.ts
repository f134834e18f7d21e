/** What the operator tells Prometheus. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperatorMetrics } from '../../operator/metrics.ts';
import { edgeCluster } from '../support/edge-clusters.ts';

const lastTransitionTime = '2026-01-01T00:00:00Z';
const condition = { lastTransitionTime, message: '', observedGeneration: 1 };

const upgrade = () => ({ waiting: 7, rolling: 1, halted: 0 });

describe('metrics of the operator', () => {
  it('have the conditions of each EdgeCluster, but for what is unknown', async () => {
    let clusters = [
      {
        ...edgeCluster(),
        status: {
          conditions: [
            { ...condition, type: 'Ready', status: 'False', reason: 'NoEdgesReady' },
            { ...condition, type: 'Degraded', status: 'True', reason: 'PodsFailing' },
            { ...condition, type: 'OriginsReachable', status: 'Unknown', reason: 'NoEdges' },
          ],
        },
      } as const,
      edgeCluster({ metadata: { name: 'new' } }),
    ];
    const metrics = new OperatorMetrics({ leading: () => true, depth: () => 0, clusters: () => clusters, upgrade });
    const conditions = async () => (await metrics.text()).split('\n').filter((line) => /_condition\b.*\d$/.test(line));
    assert.deepEqual(await conditions(), [
      'edgecluster_operator_condition{namespace="media",name="live",type="Ready"} 0',
      'edgecluster_operator_condition{namespace="media",name="live",type="Degraded"} 1',
    ]);
    const upgrades = (await metrics.text()).split('\n').filter((line) => /_upgrade_clusters\{/.test(line));
    assert.deepEqual(upgrades, [
      'edgecluster_operator_upgrade_clusters{state="waiting"} 7',
      'edgecluster_operator_upgrade_clusters{state="rolling"} 1',
      'edgecluster_operator_upgrade_clusters{state="halted"} 0',
    ]);
    clusters = [];
    assert.deepEqual(await conditions(), []);
  });

  it('have the edges that are wanted, and those that are ready as soon as that is known', async () => {
    const clusters = [
      {
        ...edgeCluster({ spec: { replicas: 5 } }),
        status: { readyReplicas: 4, players: 10, publishers: 2, neededReplicas: 7 },
      },
      { ...edgeCluster({ metadata: { name: 'new' } }), status: { readyReplicas: 0, players: 0, publishers: 0 } },
    ];
    const metrics = new OperatorMetrics({ leading: () => true, depth: () => 0, clusters: () => clusters, upgrade });
    const lines = (await metrics.text()).split('\n').filter((line) => /_edges?\{/.test(line));
    assert.deepEqual(lines, [
      'edgecluster_operator_wanted_edges{namespace="media",name="live"} 5',
      'edgecluster_operator_wanted_edges{namespace="media",name="new"} 2',
      'edgecluster_operator_ready_edges{namespace="media",name="live"} 4',
      'edgecluster_operator_ready_edges{namespace="media",name="new"} 0',
      'edgecluster_operator_needed_edges{namespace="media",name="live"} 7',
      'edgecluster_operator_players_per_edge{namespace="media",name="live"} 2.5',
      'edgecluster_operator_publishers_per_edge{namespace="media",name="live"} 0.5',
    ]);
  });

  it('count failed reconciles from 0 on, as an increase is measured from what was there before', async () => {
    const metrics = new OperatorMetrics({ leading: () => true, depth: () => 0, clusters: () => [], upgrade });
    assert.match(await metrics.text(), /^edgecluster_operator_reconciles_total\{result="failed"\} 0$/m);
  });
});
