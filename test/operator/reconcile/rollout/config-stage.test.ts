/** How long a changed configuration is waited for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired } from '../../../../operator/reconcile/apply/desired.ts';
import { type Stage, StageMemory, stageOf } from '../../../../operator/reconcile/rollout/config-stage.ts';
import { render } from '../../../../operator/render/render.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';
import { inputOf } from '../../render/cases.ts';
import { answering, pod } from '../scenes.ts';

const cluster = edgeCluster({ spec: { maxConnections: 7 } });

function desired(spec: object): Desired {
  const { config, objects } = render(inputOf(edgeCluster({ spec: { ...spec } })));
  return { config: { valid: true, hash: config.hash, warnings: [] }, edgeConfig: config.config, objects };
}

test('the time of a changed configuration begins when its file is there: before, no edge can have it', () => {
  const [asked, stable] = [desired({ maxConnections: 7 }), desired({})];
  const memory = new StageMemory();
  const look = (nowMs: number, isThere: boolean): Stage['kind'] => {
    const pods = [pod('live-1'), pod('live-2')];
    const edge = () => answering({ hash: stable.config.hash ?? '' });
    const input = { cluster, asked, stable, file: 'canary.conf', isThere, halted: undefined, pods, edge, nowMs };
    return stageOf(input, memory).kind;
  };
  assert.equal(look(0, false), 'watching');
  assert.equal(look(1_000_000, false), 'watching', 'the API server refuses the ConfigMap');
  assert.equal(look(1_000_000, true), 'watching');
  assert.equal(look(1_180_000, true), 'watching');
  assert.equal(look(1_180_001, true), 'halted');
});
