import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperatorScene, type RunningOperator } from '../support/operator-scene.ts';

async function read({ operator }: RunningOperator, path: string, method = 'GET') {
  const response = await fetch(`http://127.0.0.1:${operator.port}${path}`, { method });
  return { status: response.status, text: await response.text(), allow: response.headers.get('allow') };
}

describe('HTTP of the operator', () => {
  it('is healthy from the start and ready when its caches are filled', async (t) => {
    const scene = await OperatorScene.start(t);
    const hang = scene.kube.fault({ verb: 'list', resource: 'deployments', times: 1000, effect: { status: 403 } });
    const running = scene.operator();
    await scene.kube.until(() => hang.hits > 0);
    assert.equal((await read(running, '/healthz')).status, 200);
    assert.equal((await read(running, '/readyz')).status, 503);
    hang.end();
    scene.cluster('live');
    await scene.settled('live', running);
    assert.equal((await read(running, '/readyz')).status, 200);
    assert.equal((await read(running, '/')).status, 404);
    const post = await read(running, '/healthz', 'POST');
    assert.deepEqual([post.status, post.allow], [405, 'GET, HEAD']);
  });

  it('counts what it does', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const { text } = await read(running, '/metrics');
    const value = (line: string) => Number(new RegExp(`^${line} (.*)$`, 'm').exec(text)?.[1]);
    assert.equal(value('edgecluster_operator_leader'), 1);
    assert.equal(value('edgecluster_operator_queue_depth'), 0);
    assert.ok(value('edgecluster_operator_reconciles_total{result="settled"}') >= 1);
    assert.equal(value('edgecluster_operator_api_requests_total{verb="apply",resource="configmaps",code="201"}'), 1);
    assert.ok(value('edgecluster_operator_reconcile_duration_seconds_count') >= 1);
    assert.ok(value('edgecluster_operator_queue_latency_seconds_count') >= 1);
    assert.ok(value('edgecluster_operator_process_resident_memory_bytes') > 0);
  });

  it('logs a line for each change and none when there is none', async (t) => {
    const scene = await OperatorScene.start(t);
    const running = scene.operator();
    scene.cluster('live');
    await scene.settled('live', running);
    const applied = running.log.filter(({ msg }) => msg === 'applied');
    assert.deepEqual(
      applied.map(({ object, why, cluster }) => [String(object).replace(/-[0-9a-f]{10}$/, ''), why, cluster].join()),
      [
        'ControllerRevision live',
        'ServiceAccount live',
        'ConfigMap live',
        'Secret live-api-credentials',
        'Service live',
        'Service live-edges',
        'PodDisruptionBudget live',
        'Deployment live',
      ].map((object) => `${object},create,media/live`),
    );
    const lines = running.log.length;
    scene.kube.bookmark();
    scene.kube.dropWatches();
    await scene.idle(running);
    assert.deepEqual(
      running.log.slice(lines).filter(({ level }) => Number(level) >= 30 && Number(level) < 40),
      [],
    );
  });

  it('an address in use is an error', async (t) => {
    const scene = await OperatorScene.start(t);
    const first = scene.operator();
    await scene.kube.until(() => first.operator.port !== undefined && first.operator.ready);
    const second = scene.operator({ listen: { host: '127.0.0.1', port: first.operator.port ?? 0 } });
    await assert.rejects(second.stop(), { code: 'EADDRINUSE' });
  });
});
