/** `edgecluster diff` while a changed configuration is on its way: which edges run which, and what would change. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CONFIG_KEY } from '../../../operator/api/labels.ts';
import { InCluster } from '../../../operator/diff/in-cluster.ts';
import { type Report, textOf } from '../../../operator/diff/report.ts';
import { ConfigTier } from '../../support/config-tier.ts';
import { kubeconfigOf } from '../../support/operator-process.ts';
import { namespace } from '../../support/operator-scene.ts';
import { temporaryDirectory } from '../../support/programs.ts';

const options = { timeout: 90_000 };
const rollout = { configRollout: { watchSeconds: 3600 } };

describe('edgecluster diff and a staged configuration', options, () => {
  /** The tier, and what `diff` says of a manifest with another spec. */
  async function start(t: { after(fn: () => void): void }) {
    const tier = await ConfigTier.start(t, rollout);
    const kubeconfig = join(temporaryDirectory(t), 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(tier.scene.kube.url));
    const cluster = await InCluster.connect({ kubeconfig, context: undefined });
    t.after(() => cluster.close());
    const reports = (spec: object): Promise<readonly Report[]> => {
      const origins = tier.scene.edgeCluster('live')?.spec.origins;
      const manifest = {
        apiVersion: 'edgecluster.io/v1alpha1',
        kind: 'EdgeCluster',
        metadata: { name: 'live' },
        spec: { origins, replicas: 3, ...rollout, ...spec },
      };
      return cluster.reports({
        text: JSON.stringify(manifest),
        title: 'stdin',
        name: undefined,
        namespace,
        // The double of the API makes no dry runs.
        dryRun: 'client',
        edgeImage: undefined,
        defaultImage: 'edge:test',
      });
    };
    const diff = async (spec: object): Promise<string> => textOf(await reports(spec));
    return { tier, reports, diff };
  }

  it('that comes: it is told how', async (t) => {
    const { diff } = await start(t);
    assert.match(
      await diff({ maxConnections: 7 }),
      /: reload .*\n.*\n {2}spec\.configRollout: the changed configuration is tried on 10% of the edges first, for 3600 s;/,
    );
    assert.doesNotMatch(await diff({ maxConnections: 7, configRollout: { strategy: 'Immediate' } }), /configRollout:/);
    assert.doesNotMatch(await diff({ logLevel: 'Warn' }), /configRollout:/);
    assert.doesNotMatch(await diff({}), /configRollout:|is tried/);
  });

  it('that is tried: who runs what, what is held back, and what the manifest makes of it', async (t) => {
    const { tier, reports, diff } = await start(t);
    tier.change({ ...rollout, maxConnections: 7 });
    const file = await tier.canary();
    await tier.reason('ConfigCanary');
    const same = await diff({ maxConnections: 7 });
    assert.match(same, /: nothing \(nothing differs\)/);
    assert.ok(
      same.includes(`is tried: ${file} runs on live-0; ${CONFIG_KEY}, the one in force, runs on live-1, live-2\n`),
    );
    assert.match(same, /held back from the others: max_connections: 10000 → 7, /);
    assert.match(same, /the rollout goes on as it is\n/);
    const back = await diff({});
    assert.match(back, /: reload .*/);
    assert.match(back, /the edges that try another one get it back\n/);
    assert.ok(back.includes(`  reload  ConfigMap live: ${file} is gone (${CONFIG_KEY} runs on live-0 again)\n`));
    assert.doesNotMatch(back, / reload .*max_connections/);
    const third = await diff({ maxConnections: 8 });
    assert.match(third, /gives the tried configuration up/);
    assert.match(third, / reload {2}ConfigMap live: max_connections: 10000 → 8 /);
    const [report] = await reports({ maxConnections: 8 });
    assert.deepEqual(report?.rollout, {
      state: 'trying',
      running: [
        { file: CONFIG_KEY, pods: ['live-1', 'live-2'] },
        { file, pods: ['live-0'] },
      ],
      heldBack: ['max_connections: 10000 → 7', 'edge.unadmitted_per_address: 2500 → 100'],
      manifest: 'replaces',
    });
  });

  it('that was put back: why, and what the edges run', async (t) => {
    const { tier, diff } = await start(t);
    tier.change({ ...rollout, maxConnections: 7 });
    const file = await tier.canary();
    tier.edges[0]!.configError = 'canary.conf:1:1: wrong';
    await tier.halted(file);
    const same = await diff({ maxConnections: 7 });
    assert.match(same, /: nothing \(nothing differs\)/);
    assert.match(same, /was put back, since pod live-0: it refuses the file: canary\.conf:1:1: wrong/);
    assert.match(same, /edge-2\.conf, the one in force, runs on live-0, live-1, live-2\n/);
    assert.match(same, /held back from all edges: max_connections: 10000 → 7, /);
    assert.match(await diff({}), /: nothing .*\n(.*\n)*.*what was put back is forgotten/);
    assert.match(await diff({ maxConnections: 8 }), /max_connections: 10000 → 8 /);
  });

  it('that is tried, asked by who may not read the ConfigMap, or the pods', async (t) => {
    const { tier, diff } = await start(t);
    tier.change({ ...rollout, maxConnections: 7 });
    const file = await tier.canary();
    await tier.reason('ConfigCanary');
    await tier.running.stop();
    const forbid = (resource: string) =>
      tier.scene.kube.fault({ verb: ['get', 'list'], resource, times: 100, effect: { status: 403 } });
    const pods = forbid('pods');
    const without = await diff({ maxConnections: 7 });
    assert.ok(
      without.includes(
        `is tried: ${file} runs on some edges; ${CONFIG_KEY}, the one in force, runs on the other edges`,
      ),
    );
    pods.end();
    forbid('configmaps');
    const told = await diff({ maxConnections: 8 });
    assert.match(told, /tried on 1 of 3 edges, live-0/);
    assert.match(told, /with the right to get ConfigMap live it tells more/);
    assert.match(told, /max_connections: 7 → 8 /);
  });
});
