/** Leader election against the double: who leads, and that never two do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import type { V1Lease } from '@kubernetes/client-node';
import { KubeApi } from '../../../operator/kube/api.ts';
import { LeaderElection, type LeaseOptions } from '../../../operator/kube/lease.ts';
import { RESOURCES } from '../../../operator/kube/resources.ts';
import { type KubeApiDouble, startKubeApi } from '../../support/kube-api/kube-api.ts';

const { Lease } = RESOURCES;
/** Where nobody runs out of time, even on a busy machine. */
const patient = { leaseMs: 20_000, renewMs: 10_000, retryMs: 20 };
const short = { leaseMs: 1000, renewMs: 600, retryMs: 50 };

let kube: KubeApiDouble;
let candidates: Candidate[];
/** `+a`: a leads; `-a`: it has been told to stop. */
let history: string[];

beforeEach(async () => {
  kube = await startKubeApi();
  candidates = [];
  history = [];
});

afterEach(async () => {
  for (const candidate of candidates) candidate.stop.abort();
  await Promise.all(candidates.map(({ running }) => running));
  for (const { api } of candidates) api.close();
  await kube.stop();
});

interface Candidate {
  readonly api: KubeApi;
  readonly stop: AbortController;
  readonly running: Promise<void>;
}

function candidate(identity: string, lead = waits, times: Partial<LeaseOptions> = patient): Candidate {
  const api = new KubeApi(kube.config(), { requestTimeoutMs: 5000, userAgent: identity });
  const stop = new AbortController();
  const election = new LeaderElection(api, { namespace: 'default', name: 'leader', identity, ...times });
  const running = election.run(stop.signal, async (signal) => {
    history.push(`+${identity}`);
    signal.addEventListener('abort', () => history.push(`-${identity}`));
    await lead(signal);
  });
  const made = { api, stop, running };
  candidates.push(made);
  return made;
}

async function waits(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Requests go on all the time, and `until` looks after each. */
const happened = (...events: string[]) => kube.until(() => events.every((event) => history.includes(event)));
const lease = () => kube.object<V1Lease>(Lease, 'default', 'leader');

test('one leads; it stops cleanly, and the other leads at its next look', async () => {
  const a = candidate('a');
  await happened('+a');
  candidate('b');
  await kube.until(() => kube.count({ verb: 'get' }) >= 4);
  assert.deepEqual(history, ['+a']);
  const { spec } = lease() ?? {};
  assert.equal(spec?.holderIdentity, 'a');
  assert.equal(spec?.leaseDurationSeconds, 20);
  kube.forgetRequests();
  a.stop.abort();
  await a.running;
  await happened('+b');
  assert.deepEqual(history, ['+a', '-a', '+b']);
  assert.equal(lease()?.spec?.holderIdentity, 'b');
  assert.equal(lease()?.spec?.leaseTransitions, 1);
  assert.ok(kube.count({ verb: 'get' }) <= 2, 'the lease was not waited out');
});

for (const [when, connection, after] of [
  ['before its first renewal', 'hang', 0],
  ['later', 'reset', 3],
] as const) {
  test(`a leader that is cut off ${when} stops before the other one starts`, async () => {
    const cut = kube.fault({ userAgent: 'a', verb: 'patch', after, times: 1000, effect: { connection } });
    candidate('a', waits, short);
    await happened('+a');
    candidate('b', waits, short);
    await happened('+b');
    assert.deepEqual(history, ['+a', '-a', '+b']);
    assert.ok(cut.hits > 0);
  });
}

test('the lease of a leader that is dead is taken when it runs out, not at the look after that', async (t) => {
  const dead = { holderIdentity: 'dead', leaseDurationSeconds: 2 };
  const metadata = { namespace: 'default', name: 'leader' };
  kube.put<V1Lease>({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: dead });
  t.mock.method(Math, 'random', () => 0);
  const secondLook = setTimeout(() => history.push('second look'), 2 * 1980);
  t.after(() => clearTimeout(secondLook));
  candidate('a', waits, { leaseMs: 2000, renewMs: 1990, retryMs: 1980 });
  while (history.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(history, ['+a']);
});

test('the lease of a process that is known to be dead is not waited out, that of another pod is', async () => {
  const metadata = { namespace: 'default', name: 'leader' };
  const held = (holderIdentity: string) =>
    kube.put<V1Lease>({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: { holderIdentity, leaseDurationSeconds: 3600, leaseTransitions: 4 },
    });
  held('operator-1_uid-1_former');
  candidate('operator-1_uid-1_next', waits, { ...patient, deadPrefix: 'operator-1_uid-1_' });
  await happened('+operator-1_uid-1_next');
  assert.equal(lease()?.spec?.holderIdentity, 'operator-1_uid-1_next');
  assert.equal(lease()?.spec?.leaseTransitions, 5);

  // Of the same name, but another pod.
  held('operator-1_uid-2_other');
  await happened('-operator-1_uid-1_next');
  kube.forgetRequests();
  await kube.until(() => kube.count({ verb: 'get' }) >= 4);
  assert.equal(lease()?.spec?.holderIdentity, 'operator-1_uid-2_other');
});

test('a wall clock that jumps changes nothing', async (t) => {
  candidate('a');
  await happened('+a');
  candidate('b');
  await kube.until(() => kube.count({ verb: 'get' }) >= 3);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  for (const years of [10, -20]) {
    t.mock.timers.setTime(Date.now() + years * 365 * 24 * 3600 * 1000);
    kube.forgetRequests();
    await kube.until(() => kube.count({ verb: 'patch' }) >= 4 && kube.count({ verb: 'get' }) >= 4);
  }
  assert.deepEqual(history, ['+a']);
});

test('the API server is gone for long: nobody leads; it is back: one does', async () => {
  candidate('a', waits, short);
  await happened('+a');
  candidate('b', waits, short);
  await kube.goAway();
  while (!history.includes('-a')) await new Promise((resolve) => setImmediate(resolve));
  await kube.comeBack();
  await kube.until(() => history.length === 3);
  assert.match(history[2] ?? '', /^\+[ab]$/);
});

test('a renewal that fails, conflicts, or whose answer is lost costs no leadership', async () => {
  candidate('a');
  await happened('+a');
  for (const effect of [{ status: 500 }, { status: 409 }, { connection: 'lose-answer' }] as const) {
    kube.fault({ verb: 'patch', effect });
    kube.forgetRequests();
    await kube.until(() => kube.count({ verb: 'patch', status: 200 }) >= 2);
  }
  kube.change<V1Lease>(Lease, 'default', 'leader', (object) => ({
    ...object,
    metadata: { ...object.metadata, annotations: { edited: 'by hand' } },
  }));
  kube.forgetRequests();
  await kube.until(() => kube.count({ verb: 'patch', status: 200 }) >= 2);
  assert.deepEqual(history, ['+a']);
});

test('the lease is given to another, or deleted: the leader stops at once', async () => {
  candidate('a', waits, short);
  await happened('+a');
  kube.change<V1Lease>(Lease, 'default', 'leader', (object) => ({
    ...object,
    spec: { ...object.spec, holderIdentity: 'someone' },
  }));
  await happened('-a');
  await kube.until(() => history.length === 3);
  kube.remove(Lease, 'default', 'leader');
  await kube.until(() => history.length === 5);
  assert.deepEqual(history, ['+a', '-a', '+a', '-a', '+a']);
});

test('while the leader finishes its work, it keeps the lease', async () => {
  const finish = Promise.withResolvers<void>();
  const a = candidate('a', () => finish.promise);
  await happened('+a');
  candidate('b');
  a.stop.abort();
  kube.forgetRequests();
  await kube.until(() => kube.count({ verb: 'patch', status: 200 }) >= 15);
  assert.deepEqual(history, ['+a', '-a']);
  finish.resolve();
  await happened('+b');
});

test('work that is done, or fails, releases the lease', async () => {
  await candidate('a', async () => {}).running;
  assert.equal(lease()?.spec?.holderIdentity, '');
  const failing = candidate('b', async () => {
    throw new Error('a mistake');
  });
  await assert.rejects(failing.running, /a mistake/);
  candidates.pop();
  failing.api.close();
  assert.equal(lease()?.spec?.holderIdentity, '');
});

test('a namespace that is not there is told', async () => {
  const api = new KubeApi(kube.config());
  const stop = new AbortController();
  const told = Promise.withResolvers<string>();
  const onProblem = ({ message }: { readonly message: string }): void => told.resolve(message);
  const options = { namespace: 'nowhere', name: 'leader', identity: 'a', onProblem, ...patient };
  const running = new LeaderElection(api, options).run(stop.signal, waits);
  assert.match(await told.promise, /404: namespaces "nowhere" not found/);
  stop.abort();
  await running;
  api.close();
});

test('times that would let two lead are refused', () => {
  const options = { namespace: 'default', name: 'leader', identity: 'a', leaseMs: 10_000, renewMs: 10_000 };
  assert.throws(() => new LeaderElection(new KubeApi(kube.config()), options), RangeError);
});
