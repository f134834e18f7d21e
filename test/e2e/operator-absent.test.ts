/** Origins behind a Service get new addresses while no operator is there to tell the edges: a real operator and edge. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeProcess } from '../support/edge-process.ts';
import { a, b, LookupScene } from '../support/lookup-scene.ts';
import { namespace, OperatorScene } from '../support/operator-scene.ts';
import { freePort } from '../support/programs.ts';
import { player } from '../support/rtmp-scene.ts';

test('edges find the new pods of a Service while the operator is away, and it catches up', {
  timeout: 60_000,
}, async (t) => {
  const scene = await LookupScene.start(t, a, b);
  const operators = await OperatorScene.start(t);
  operators.kube.put(headless());
  operators.kube.put(slice(a, scene.port));
  const running = operators.operator();
  operators.cluster('live', {
    origins: [{ name: 'main', service: { name: 'srs', port: 'rtmp' } }],
    listeners: {
      rtmp: { port: await freePort() },
      http: { enabled: false },
      api: { port: await freePort() },
      exporter: { enabled: false },
    },
    // Of this machine; pods have their cluster's.
    extraDirectives: `edge { name_servers ${scene.dns.address}; }`,
  });
  await operators.settled('live', running);
  const edge = await EdgeProcess.start(operators.conf('live'));
  t.after(() => edge.kill());
  const peer = await player(t, edge);
  await scene.goesOn(peer);

  await running.stop();
  operators.kube.put(slice(b, scene.port));
  scene.dns.answer(`srs.${namespace}.svc`, [b]);
  await scene.at(a).die();
  await scene.goesOn(peer);

  const another = operators.operator();
  await operators.kube.until(() => operators.conf('live').includes(`origin ${b}:${scene.port};`));
  await operators.idle(another);
  const since = edge.log.length;
  edge.configure(operators.conf('live'));
  await edge.logged(({ msg }) => msg === 'configuration changed', since);
  await scene.goesOn(peer);
  // It is where the list has it.
  assert.equal(edge.log.filter(({ msg }) => msg === 'pull switched').length, 1);
});

function headless() {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'srs', namespace },
    spec: { clusterIP: 'None', ports: [{ name: 'rtmp', port: 1935, protocol: 'TCP' }], ipFamilies: ['IPv4'] },
  };
}

function slice(address: string, port: number) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'srs-abc', namespace, labels: { 'kubernetes.io/service-name': 'srs' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true, serving: true } }],
    ports: [{ name: 'rtmp', port, protocol: 'TCP' }],
  };
}
