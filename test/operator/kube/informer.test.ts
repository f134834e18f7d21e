/** Informers against the double, above all when the API server is in trouble. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { type ApiError, KubeApi } from '../../../operator/kube/api.ts';
import { Informer, type InformerOptions } from '../../../operator/kube/informer.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { type KubeApiDouble, startKubeApi } from '../../support/kube-api/kube-api.ts';

const { ConfigMap } = RESOURCES;

let kube: KubeApiDouble;
let api: KubeApi;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  kube = await startKubeApi({ namespaces: ['media'] });
  api = new KubeApi(kube.config(), { requestTimeoutMs: 5000 });
  stop = new AbortController();
  running = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  api.close();
  await kube.stop();
});

function put(name: string, value = '', labels: Record<string, string> = {}, namespace = 'media'): void {
  kube.put<V1ConfigMap>({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels },
    data: { value },
  });
}

/** An informer that runs, and what it tells: `+a`, `~a`, `-a`. */
function follow(options: Partial<InformerOptions<V1ConfigMap>> = {}, client = api) {
  const told: string[] = [];
  const problems: ApiError[] = [];
  const informer = new Informer<V1ConfigMap>(client, {
    resource: ConfigMap,
    onChange: (object, previous, deleted) => {
      const what = deleted ? '-' : previous === undefined ? '+' : '~';
      told.push(`${what}${object.metadata?.name}${object.data?.value ? `=${object.data.value}` : ''}`);
      // What is told is already so.
      const kept = informer.get(object.metadata?.namespace, object.metadata?.name ?? '');
      assert.equal(kept, deleted ? undefined : object);
    },
    onProblem: (error) => problems.push(error),
    ...options,
  });
  running.push(informer.run(stop.signal));
  return { informer, told, problems };
}

/** Awaits what the informer has been told: the double's `until` would look only when the double has something new. */
async function told(list: readonly string[], entry: string): Promise<void> {
  while (!list.includes(entry)) await new Promise((resolve) => setImmediate(resolve));
}

test('what is there is listed, page by page; then what changes is told', async () => {
  for (let n = 0; n < 1234; n++) put(`c-${String(n).padStart(4, '0')}`);
  const { informer, told: list } = follow();
  await informer.synced;
  assert.equal(list.length, 1234);
  assert.equal([...informer.list('media')].length, 1234);
  assert.equal(kube.count({ verb: 'list' }), 3);
  put('new', '1');
  await told(list, '+new=1');
  put('new', '2');
  await told(list, '~new=2');
  kube.remove(ConfigMap, 'media', 'new');
  await told(list, '-new=2');
  assert.equal(list.length, 1237);
  assert.equal(kube.count({ verb: 'watch' }), 1);
});

test('managedFields are not kept', async () => {
  put('a');
  assert.ok(kube.object(ConfigMap, 'media', 'a')?.metadata?.managedFields);
  const { informer } = follow();
  await informer.synced;
  assert.equal(informer.get('media', 'a')?.metadata?.managedFields, undefined);
  assert.equal(informer.get('media', 'b'), undefined);
});

test('one namespace, and objects by label: what loses the label is told as deleted', async () => {
  put('a', '', { app: 'edge' });
  put('b', '', { app: 'other' });
  put('c', '', { app: 'edge' }, 'default');
  const { informer, told: list } = follow({ namespace: 'media', labelSelector: 'app=edge' });
  await informer.synced;
  assert.deepEqual(list, ['+a']);
  put('a', '', { app: 'other' });
  await told(list, '-a');
  put('b', '', { app: 'edge' });
  await told(list, '+b');
  assert.equal(informer.get('media', 'a'), undefined);
});

test('what changes between the list and the watch is not missed', async () => {
  put('a', '1');
  kube.fault({ verb: 'watch', effect: { delayMs: 100 } });
  const { informer, told: list } = follow();
  await informer.synced;
  put('a', '2');
  put('b');
  await told(list, '+b');
  assert.deepEqual(list, ['+a=1', '~a=2', '+b']);
});

test('a watch that is cut is resumed where it stopped, without a list', async () => {
  put('a', '1');
  const { informer, told: list } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  put('a', '2');
  await told(list, '~a=2');
  const version = informer.get('media', 'a')?.metadata?.resourceVersion;
  kube.dropWatches();
  put('b');
  await told(list, '+b');
  assert.equal(kube.count({ verb: 'list' }), 1);
  assert.equal(kube.requests.at(-1)?.query.resourceVersion, version);
});

test('a bookmark keeps the place fresh: no list even where older changes are forgotten', async () => {
  put('a');
  const { informer, told: list, problems } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  kube.compact();
  kube.bookmark();
  kube.endWatches();
  put('b');
  await told(list, '+b');
  assert.equal(kube.count({ verb: 'list' }), 1);
  assert.deepEqual(problems, []);
});

for (const [how, gone] of [
  ['an ERROR event', () => kube.expireWatches()],
  ['an ERROR event to a watch that resumes', () => kube.dropWatches()],
  [
    'the HTTP status',
    () => {
      kube.fault({ verb: 'watch', effect: { status: 410 } });
      kube.dropWatches();
    },
  ],
] as const) {
  test(`410 Gone as ${how}: listed again, and the difference is told`, async () => {
    for (const name of ['same', 'changed', 'deleted', 'replaced']) put(name, '1');
    const { informer, told: list, problems } = follow();
    await informer.synced;
    await kube.until(() => kube.watches() === 1);
    gone();
    put('changed', '2');
    kube.remove(ConfigMap, 'media', 'deleted');
    kube.remove(ConfigMap, 'media', 'replaced');
    put('replaced', '2');
    put('added', '1');
    kube.compact();
    list.length = 0;
    await told(list, '-deleted=1');
    assert.deepEqual(list.sort(), ['+added=1', '+replaced=2', '-deleted=1', '-replaced=1', '~changed=2']);
    assert.equal(kube.count({ verb: 'list' }), 2);
    assert.ok(problems.some(({ status }) => status === 410));
    put('later');
    await told(list, '+later');
  });
}

test('410 in the middle of a list: from the start', async () => {
  for (let n = 0; n < 600; n++) put(`c-${n}`);
  kube.fault({ verb: 'list', after: 1, effect: { status: 410 } });
  const { informer, told: list } = follow();
  await informer.synced;
  assert.equal(list.length, 600);
  assert.equal(kube.count({ verb: 'list' }), 4);
});

test('500 and 429 are borne', async () => {
  put('a');
  kube.fault({ verb: 'list', effect: { status: 500 } });
  kube.fault({ verb: 'list', effect: { status: 429, retryAfterSeconds: 0 } });
  kube.fault({ verb: 'watch', effect: { status: 500 } });
  const { informer, told: list } = follow();
  await informer.synced;
  put('b');
  await told(list, '+b');
  assert.equal(kube.count({ verb: 'list', status: 200 }), 1);
});

for (const [what, effect] of [
  ['status 400', { status: 400 }],
  ['status 500', { status: 500 }],
  ['status 404, as of a kind that has gone and come again', { status: 404 }],
] as const) {
  test(`a watch that is refused again and again (${what}) is begun anew with a list`, async () => {
    put('a', '1');
    const { informer, told: list, problems } = follow();
    await informer.synced;
    await kube.until(() => kube.watches() === 1);
    kube.fault({ verb: 'watch', times: 3, effect });
    kube.dropWatches();
    put('a', '2');
    await told(list, '~a=2');
    assert.equal(problems.filter(({ status }) => status === effect.status).length, 3);
    assert.equal(kube.count({ verb: 'list' }), 2);
    put('b');
    await told(list, '+b');
    assert.equal(kube.count({ verb: 'list' }), 2);
  });
}

test('a watch that is answered 429 again and again waits: a list would ask for more', async () => {
  put('a', '1');
  const { informer, told: list } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  kube.fault({ verb: 'watch', times: 4, effect: { status: 429, retryAfterSeconds: 0 } });
  kube.dropWatches();
  put('a', '2');
  await told(list, '~a=2');
  assert.equal(kube.count({ verb: 'list' }), 1);
});

test('the API server goes away and comes back: what changed meanwhile is told', async () => {
  put('a', '1');
  put('b');
  const { informer, told: list, problems } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  await kube.goAway();
  put('a', '2');
  kube.remove(ConfigMap, 'media', 'b');
  while (problems.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(informer.get('media', 'a')?.data?.value, '1');
  await kube.comeBack();
  await told(list, '-b');
  assert.deepEqual(list, ['+a=1', '+b', '~a=2', '-b']);
  assert.equal(kube.count({ verb: 'list' }), 1);
});

test('a watch that says nothing for too long is given up, and resumed', async () => {
  put('a');
  const impatient = new KubeApi(kube.config(), { watchIdleMs: 60 });
  const { informer, told: list, problems } = follow({}, impatient);
  await informer.synced;
  await kube.until(() => kube.count({ verb: 'watch' }) >= 2);
  put('b');
  await told(list, '+b');
  assert.deepEqual(problems, []);
  assert.equal(kube.count({ verb: 'list' }), 1);
  stop.abort();
  await Promise.all(running);
  impatient.close();
});

test('a watch that ends as it should is resumed; one that ends at once, after a pause', async () => {
  put('a');
  const { informer, told: list, problems } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  put('b');
  await told(list, '+b');
  kube.endWatches();
  await kube.until(() => kube.count({ verb: 'watch' }) === 2);
  assert.equal(problems.length, 0);
  await kube.until(() => kube.watches() === 1);
  kube.endWatches();
  await kube.until(() => kube.count({ verb: 'watch' }) === 3);
  assert.match(problems[0]?.message ?? '', /ended at once/);
});

test('aborted: the watch ends, and run with it', async () => {
  put('a');
  const { informer } = follow();
  await informer.synced;
  await kube.until(() => kube.watches() === 1);
  stop.abort();
  await Promise.all(running);
  await kube.until(() => kube.watches() === 0);
});

test('what a listener throws ends run, and is not taken for trouble with the API', async () => {
  put('a');
  const informer = new Informer<V1ConfigMap>(api, {
    resource: ConfigMap,
    onChange: () => {
      throw new TypeError('a mistake of ours');
    },
  });
  await assert.rejects(informer.run(stop.signal), /a mistake of ours/);
});
