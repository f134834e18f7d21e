/** A paused EdgeCluster on a real API server: what `kubectl edit` does to its objects stays, until it goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Deployment } from '@kubernetes/client-node';
import type { EdgeCluster } from '../../operator/api/types.ts';
import { Kubernetes } from '../support/kubernetes.ts';
import { OperatorInProcess } from '../support/operator-in-process.ts';

const manifest = (spec: string) =>
  `apiVersion: edgecluster.io/v1alpha1\nkind: EdgeCluster\nmetadata: { name: live }\nspec:\n  origins: [{ name: main, servers: [a] }]\n${spec}`;

test('a paused EdgeCluster on a real API server', { timeout: 240_000 }, async (t) => {
  const kubernetes = await Kubernetes.start();
  t.after(() => kubernetes.stop());
  await kubernetes.installDefinitions();
  const namespace = await kubernetes.createNamespace('pause');
  const operator = new OperatorInProcess(kubernetes, { namespace });
  t.after(() => operator.stop());
  const kubectl = (command: string, input = '') =>
    kubernetes.kubectl(['-n', namespace, ...command.split(' ')], { input });
  const isThere = (object: string) =>
    kubernetes.wait(['-n', namespace, object, '--for=jsonpath={.metadata.name}=live']);
  const deployment = async () => JSON.parse(await kubectl('get deployment live -o json')) as V1Deployment;
  /** Status is written last. */
  const observed = async () => {
    const { metadata } = JSON.parse(await kubectl('get ec live -o json')) as EdgeCluster;
    await kubectl(`wait ec/live --for=jsonpath={.status.observedGeneration}=${metadata.generation} --timeout=60s`);
  };
  const paused = '{.status.conditions[?(@.type=="Progressing")].reason}=Paused';

  await kubectl('apply -f -', manifest(''));
  await isThere('deployment/live');

  await kubectl('annotate ec/live edgecluster.io/paused=true');
  await kubectl(`wait ec/live --for=jsonpath=${paused} --timeout=60s`);
  await kubectl('set image deployment/live edge=edge:by-hand');
  await kubectl('delete service live');
  await kubectl('apply -f -', manifest('  replicas: 5\n'));
  await kubectl('scale ec/live --replicas=4');
  await observed();
  const { spec } = await deployment();
  assert.deepEqual([spec?.replicas, spec?.template.spec?.containers[0]?.image], [2, 'edge:by-hand']);
  assert.equal((await kubernetes.tryKubectl(['-n', namespace, 'get', 'service', 'live'])).code, 1);

  await kubectl('annotate ec/live edgecluster.io/paused-');
  await isThere('service/live');
  await kubectl('wait deployment/live --for=jsonpath={.spec.replicas}=4 --timeout=60s');
  await kubectl(
    'wait deployment/live --for=jsonpath={.spec.template.spec.containers[0].image}=edge:test --timeout=60s',
  );

  // The field does the same.
  await kubectl('apply -f -', manifest('  paused: true\n  maxConnections: 77\n'));
  await kubectl(`wait ec/live --for=jsonpath=${paused} --timeout=60s`);
  assert.doesNotMatch(await kubectl('get configmap -o yaml'), /max_connections 77/);
  await kubectl('apply -f -', manifest('  maxConnections: 77\n'));
  await observed();
  assert.match(await kubectl('get configmap -o yaml'), /max_connections 77/);
});
