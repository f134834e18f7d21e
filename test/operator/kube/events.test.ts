/** Events: counted, bounded, and never in the way. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { KubernetesObject, V1ConfigMap } from '@kubernetes/client-node';
import { type ApiError, KubeApi } from '../../../operator/kube/api.ts';
import { EventRecorder, type EventRecorderOptions } from '../../../operator/kube/events.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { type KubeApiDouble, startKubeApi } from '../../support/kube-api/kube-api.ts';

let kube: KubeApiDouble;
let api: KubeApi;
let problems: ApiError[];

beforeEach(async () => {
  kube = await startKubeApi();
  api = new KubeApi(kube.config(), { requestTimeoutMs: 5000 });
  problems = [];
});

afterEach(async () => {
  api.close();
  await kube.stop();
});

function recorder(options: Partial<EventRecorderOptions> = {}): EventRecorder {
  const onProblem = (error: ApiError) => problems.push(error);
  return new EventRecorder(api, {
    component: 'edgecluster.io/operator',
    instance: 'operator-0',
    onProblem,
    ...options,
  });
}

function object(name: string, uid = `uid of ${name}`): V1ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', uid, resourceVersion: '7' } };
}

interface Reported extends KubernetesObject {
  readonly eventTime: string;
  readonly series?: { readonly count: number };
}

const events = () => kube.objects<Reported>(RESOURCES.Event);

test('an event says who, what, about which object, and when', async () => {
  const recorded = recorder();
  recorded.record(object('a'), 'Warning', 'NameTaken', 'somebody else owns it', 'Apply');
  await recorded.close();
  const [event] = events();
  const { metadata, eventTime, ...rest } = event!;
  assert.match(metadata?.name ?? '', /^a\.[0-9a-f]{16}$/);
  assert.match(eventTime, /\.\d{6}Z$/);
  assert.deepEqual(rest, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    type: 'Warning',
    reason: 'NameTaken',
    action: 'Apply',
    note: 'somebody else owns it',
    regarding: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace: 'default',
      name: 'a',
      uid: 'uid of a',
      resourceVersion: '7',
    },
    reportingController: 'edgecluster.io/operator',
    reportingInstance: 'operator-0',
  });
});

test('what repeats is one event with a count, written seldom', async () => {
  const recorded = recorder();
  for (let n = 0; n < 1000; n++) recorded.record(object('a'), 'Normal', 'Rendered', 'again');
  await recorded.close();
  assert.deepEqual(
    kube.requests.map(({ verb }) => verb),
    ['create', 'patch'],
  );
  assert.equal(events()[0]?.series?.count, 1000);
});

test('a series goes on by itself, also when the API server has forgotten its event', async () => {
  const recorded = recorder({ seriesMs: 20 });
  recorded.record(object('a'), 'Normal', 'Rendered', 'again');
  recorded.record(object('a'), 'Normal', 'Rendered', 'again');
  await kube.until(() => kube.count({ verb: 'patch', status: 200 }) === 1);
  kube.remove(RESOURCES.Event, 'default', events()[0]?.metadata?.name ?? '');
  recorded.record(object('a'), 'Normal', 'Rendered', 'again');
  await kube.until(() => kube.count({ verb: 'create' }) === 2);
  await recorded.close();
  assert.equal(events()[0]?.series?.count, 3);
});

test('an object has so many events in stock; others have theirs', async () => {
  const recorded = recorder({ burst: 5 });
  for (let n = 0; n < 100; n++) recorded.record(object('a'), 'Warning', 'Failed', `failure ${n}`);
  recorded.record(object('b'), 'Warning', 'Failed', 'failure');
  await recorded.close();
  assert.equal(kube.count({ verb: 'create' }), 6);
});

test('the API server refuses or is away: told, and no more', async () => {
  const recorded = recorder();
  kube.fault({ verb: 'create', effect: { status: 500 } });
  recorded.record(object('a'), 'Normal', 'Rendered', 'lost');
  recorded.record(object('a'), 'Normal', 'Rendered', 'found');
  await kube.until(() => events().length === 1);
  await kube.goAway();
  recorded.record(object('a'), 'Normal', 'Rendered', 'lost, too');
  await recorded.close();
  recorded.record(object('a'), 'Normal', 'Rendered', 'too late');
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['InternalError', 'Unreachable'],
  );
});

test('closing does not wait for an API server that does not answer', async () => {
  const recorded = recorder({ closeMs: 20 });
  kube.fault({ verb: 'create', times: 100, effect: { connection: 'hang' } });
  for (let n = 0; n < 10; n++) recorded.record(object(`a-${n}`), 'Normal', 'Rendered', 'lost');
  await recorded.close();
  assert.ok(kube.count({ verb: 'create' }) <= 1);
});
