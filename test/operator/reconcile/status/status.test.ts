import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionOf, REASONS } from '../../../../operator/api/conditions.ts';
import type { ConditionType, EdgeClusterStatus } from '../../../../operator/api/types.ts';
import { graceEndsInMs } from '../../../../operator/reconcile/edges/fleet.ts';
import type { EdgeState } from '../../../../operator/reconcile/edges/report.ts';
import type { PodView } from '../../../../operator/reconcile/observe/views.ts';
import type { Observation } from '../../../../operator/reconcile/status/observation.ts';
import { statusOf } from '../../../../operator/reconcile/status/status.ts';
import fc from '../../../support/property.ts';
import {
  answering,
  deployment,
  edgesSaying,
  hash,
  observation,
  otherHash,
  pod,
  refusing,
  saidLast,
  silent,
  unknown,
} from '../scenes.ts';

const now = new Date('2025-03-01T12:00:00.500Z');
const later = new Date('2025-03-01T13:00:00Z');

function status(wish: Partial<Observation> = {}, spec: Readonly<Record<string, unknown>> = {}): EdgeClusterStatus {
  return statusOf(observation(wish, spec), now);
}

/** `Reason: message` of a condition. */
function told(status: EdgeClusterStatus, type: ConditionType): string {
  const condition = conditionOf(status.conditions, type);
  return `${condition?.reason}: ${condition?.message}`;
}

/** `Ready=True/AllEdgesReady`, … of all conditions. */
function brief({ conditions = [] }: EdgeClusterStatus): Record<string, string> {
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

const fine = {
  Ready: 'True AllEdgesReady',
  Available: 'True AllEdgesReady',
  Progressing: 'False Settled',
  Reconciling: 'False NotProgressing',
  Stalled: 'False NotStalled',
  OriginsReachable: 'True AllReachable',
  Degraded: 'False AsExpected',
  ConfigValid: 'True Valid',
};

test('a settled cluster: all of it', () => {
  const result = status({ edge: edgesSaying({ 'live-1': answering({ players: 3, publishers: 1 }) }) });
  assert.deepEqual(brief(result), fine);
  assert.deepEqual(
    { ...result, conditions: [] },
    {
      observedGeneration: 3,
      conditions: [],
      replicas: 2,
      readyReplicas: 2,
      updatedReplicas: 2,
      drainingReplicas: 0,
      silentReplicas: 0,
      selector: 'app.kubernetes.io/name=edge,edgecluster.io/cluster=live',
      players: 3,
      edgePlayers: 0,
      publishers: 1,
      streams: 2,
      receivedKbps: 20,
      sentKbps: 200,
      originConnections: 0,
      saved: { connections: 4, kbps: 180 },
      origins: [
        { group: 'main', server: 'origin-a.media:1935', state: 'Up', downOn: 0 },
        { group: 'main', server: 'origin-b.media:1935', state: 'Up', downOn: 0 },
      ],
      originsReachable: '2/2',
      configHash: hash,
      configuredReplicas: 2,
    },
  );
  assert.deepEqual(result.conditions?.[0], {
    type: 'Ready',
    status: 'True',
    reason: 'AllEdgesReady',
    message: `2 edges ready, with configuration ${hash}`,
    lastTransitionTime: '2025-03-01T12:00:00Z',
    observedGeneration: 3,
  });
});

test('Ready: whether as many edges as are wanted run the newest', () => {
  const late = answering({ hash: otherHash });
  const refused = [{ reason: 'ApplyRefused', object: 'Deployment live', message: 'quota' }] as const;
  const cases: readonly (readonly [string, Partial<Observation>, Readonly<Record<string, unknown>>?])[] = [
    [`AllEdgesReady: 2 edges ready, with configuration ${hash}`, {}],
    // Former pods let their clients finish; more edges than are wanted do no harm.
    [`AllEdgesReady: 2 edges ready, with configuration ${hash}`, { pods: [pod('a'), pod('b'), pod('c', 'ending')] }],
    [`AllEdgesReady: 3 edges ready, with configuration ${hash}`, { pods: [pod('a'), pod('b'), pod('c')] }],
    ['EdgesNotReady: 1 of 2 edges ready; b CrashLoopBackOff', { pods: [pod('a'), pod('b', 'failing')] }],
    ['EdgesNotReady: 0 of 2 edges ready', { pods: [], deployment: undefined }],
    ['EdgesNotReady: 2 of 100 edges ready', {}, { replicas: 100 }],
    [
      'RollingOut: 1 of 2 edges have the new pod template; c starting',
      { pods: [pod('a'), pod('b'), pod('c', 'starting')], deployment: deployment({ replicas: 3, updatedReplicas: 1 }) },
    ],
    // The Deployment was changed, and Kubernetes has not looked at it yet.
    ['RollingOut: 2 of 2 edges have the new pod template', { deployment: deployment({ observedGeneration: 1 }) }],
    [
      'ApplyingConfig: 1 of 2 edges run the newest configuration; not yet live-2',
      { edge: edgesSaying({ 'live-2': late }) },
    ],
    [
      'ApplyingConfig: 1 of 2 edges run the newest configuration; not yet live-2',
      { edge: edgesSaying({ 'live-2': unknown }) },
    ],
    ['EdgesSilent: which configuration they run is not known of live-2', { edge: edgesSaying({ 'live-2': silent }) }],
    // It cannot have gone back to another one.
    [`AllEdgesReady: 2 edges ready, with configuration ${hash}`, { edge: edgesSaying({ 'live-2': saidLast(hash) }) }],
    [
      'ApplyingConfig: 1 of 2 edges run the newest configuration; not yet live-2',
      { edge: edgesSaying({ 'live-2': saidLast(otherHash) }) },
    ],
    [
      'Blocked: 1 edge will not take the configuration; see condition Degraded',
      { edge: edgesSaying({ 'live-2': answering({ hash: otherHash, error: 'line 3' }) }) },
    ],
    ['Blocked: Deployment live cannot be applied; see condition Degraded', { objects: refused }],
    [
      'ConfigInvalid: the spec is not applied: its configuration is not valid; see condition ConfigValid',
      { config: { valid: false, reason: 'InvalidDirectives', message: 'line 1' } },
    ],
    ['ScaledToZero: spec.replicas is 0: no edge is wanted, and none runs', { pods: [] }, { replicas: 0 }],
  ];
  for (const [expected, wish, spec] of cases) assert.equal(told(status(wish, spec), 'Ready'), expected);
});

test('Available: whether clients are served', () => {
  const cases: readonly (readonly [string, Partial<Observation>, Readonly<Record<string, unknown>>?])[] = [
    // A rollout with all serving is ready.
    [
      'AllEdgesReady: 2 edges ready',
      { pods: [pod('a'), pod('b'), pod('c', 'starting')], deployment: deployment({ replicas: 3, updatedReplicas: 1 }) },
    ],
    ['SomeEdgesReady: 1 of 2 edges ready; b CrashLoopBackOff', { pods: [pod('a'), pod('b', 'failing')] }],
    ['SomeEdgesReady: 1 of 2 edges ready; b starting', { pods: [pod('a'), pod('b', 'starting')] }],
    ['SomeEdgesReady: 1 of 2 edges ready', { pods: [pod('a'), pod('b', 'ending')] }],
    ['WaitingForEdges: none of 2 edges is ready yet', { pods: [pod('a', 'starting'), pod('b', 'failing')] }],
    ['WaitingForEdges: none of 2 edges is ready yet', { pods: [], deployment: undefined }],
    [
      'NoEdgesReady: none of 2 edges is ready; see condition Degraded',
      { pods: [pod('a', 'failing'), pod('b', 'failing')] },
    ],
    [
      'ScaledToZero: spec.replicas is 0: no edge runs; scale it up to serve clients',
      { pods: [pod('a', 'ending')] },
      { replicas: 0 },
    ],
    [
      'ConfigInvalid: no edge runs: the configuration is not valid; see condition ConfigValid',
      { pods: [], deployment: undefined, config: { valid: false, reason: 'InvalidDirectives', message: 'line 1' } },
    ],
    // What ran before goes on serving.
    [
      'AllEdgesReady: 2 edges ready, with the former configuration: see condition ConfigValid',
      { config: { valid: false, reason: 'InvalidDirectives', message: 'line 1' } },
    ],
  ];
  for (const [expected, wish, spec] of cases) assert.equal(told(status(wish, spec), 'Available'), expected);
});

test('Progressing: what is under way, and what it waits for', () => {
  const late = answering({ hash: otherHash });
  const stuck = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  const cases: readonly (readonly [string, Partial<Observation>, Readonly<Record<string, unknown>>?])[] = [
    ['Settled: what runs is what is wanted', {}],
    ['ScalingUp: the Deployment for 2 edges is being made', { deployment: undefined, pods: [] }],
    ['ScalingUp: 1 of 2 edges are there; b starting', { pods: [pod('b', 'starting')] }],
    ['EdgesStarting: b starting', { pods: [pod('a'), pod('b', 'starting')] }],
    [
      'EdgesStarting: b waits for its volumes: Secret certificate',
      { pods: [pod('a'), pod('b', 'starting', { awaitedSecrets: ['certificate'] })] },
    ],
    ['ScalingDown: 3 edges are there, 2 are wanted', { pods: [pod('a'), pod('b'), pod('c')] }],
    [
      'RollingOut: 1 of 2 edges have the new pod template; c starting',
      { pods: [pod('a'), pod('b'), pod('c', 'starting')], deployment: deployment({ replicas: 3, updatedReplicas: 1 }) },
    ],
    ['RollingOut: 2 of 2 edges have the new pod template', { deployment: deployment({ observedGeneration: 1 }) }],
    [
      'RolloutStuck: 1 of 2 edges have the new pod template; it goes no further; c CrashLoopBackOff',
      {
        pods: [pod('a'), pod('b'), pod('c', 'failing')],
        deployment: deployment({ replicas: 3, updatedReplicas: 1, conditions: stuck }),
      },
    ],
    ['ApplyingConfig: with the former configuration: 1 of 2 edges, live-2', { edge: edgesSaying({ 'live-2': late }) }],
    // An edge that ends keeps its configuration.
    [
      'Draining: 1 edge draining: clients may finish, for at most 300 s',
      { pods: [pod('a'), pod('b'), pod('c', 'ending')], edge: edgesSaying({ c: late }) },
    ],
    ['PodsFailing: b CrashLoopBackOff; see condition Degraded', { pods: [pod('a'), pod('b', 'failing')] }],
    [
      'PodsFailing: 1 of 2 edges are there; pods cannot be made; see condition Degraded',
      {
        pods: [pod('a')],
        deployment: deployment({
          replicas: 1,
          updatedReplicas: 1,
          conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota' }],
        }),
      },
    ],
    [
      'Blocked: the spec is not applied: its configuration is not valid; see condition ConfigValid',
      { config: { valid: false, reason: 'InvalidConfig', message: 'x' } },
    ],
    [
      'Blocked: ConfigMap live cannot be applied; see condition Degraded',
      { objects: [{ reason: 'NameTaken', object: 'ConfigMap live', message: 'x' }] },
    ],
    [
      'Settled: what runs is what is wanted',
      { objects: [{ reason: 'Contested', object: 'ConfigMap live', message: 'x' }] },
    ],
  ];
  for (const [expected, wish, spec] of cases) assert.equal(told(status(wish, spec), 'Progressing'), expected);
});

/** As the library of that name computes it: github.com/kubernetes-sigs/cli-utils, pkg/kstatus. */
function kstatus(status: EdgeClusterStatus, generation = 3): string {
  if (status.observedGeneration !== generation) return 'InProgress';
  const is = (type: ConditionType) => conditionOf(status.conditions, type)?.status;
  assert.ok(!(is('Reconciling') === 'True' && is('Stalled') === 'True'));
  if (is('Reconciling') === 'True') return 'InProgress';
  if (is('Stalled') === 'True') return 'Failed';
  return is('Ready') === 'True' ? 'Current' : 'InProgress';
}

test('tools that follow kstatus see when a change is there, under way, and given up', () => {
  const stuck = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  const cases: readonly (readonly [string, Partial<Observation>, Readonly<Record<string, unknown>>?])[] = [
    ['Current', {}],
    ['Current', { pods: [pod('a'), pod('b'), pod('c', 'ending')] }],
    ['Current', { pods: [] }, { replicas: 0 }],
    ['InProgress', { deployment: undefined, pods: [] }],
    ['InProgress', { pods: [pod('a'), pod('b', 'starting')] }],
    ['InProgress', { pods: [pod('a'), pod('b'), pod('c')] }],
    ['InProgress', { deployment: deployment({ replicas: 3, updatedReplicas: 1 }) }],
    ['InProgress', { edge: edgesSaying({ 'live-2': answering({ hash: otherHash }) }) }],
    ['Current', { upgrade: { kind: 'waits', message: 'x' } }],
    // Both may come by themselves.
    ['InProgress', { pods: [pod('a'), pod('b', 'failing')] }],
    ['InProgress', { edge: () => silent }],
    ['Failed', { deployment: deployment({ replicas: 3, updatedReplicas: 1, conditions: stuck }) }],
    ['Failed', { config: { valid: false, reason: 'InvalidConfig', message: 'x' } }],
    ['Failed', { objects: [{ reason: 'NameTaken', object: 'ConfigMap live', message: 'x' }] }],
    ['Failed', { edge: () => answering({ hash: otherHash, error: 'line 3' }) }],
  ];
  for (const [expected, wish, spec] of cases) {
    const result = status(wish, spec);
    assert.equal(kstatus(result), expected, JSON.stringify(brief(result)));
  }
});

test('origins of a group that no vhost uses are not counted: no edge knows of them', () => {
  const spec = { origins: [...observation().cluster.spec.origins, { name: 'spare', servers: ['spare.media:1935'] }] };
  const resolved = new Map([...observation().origins.origins, ['spare', ['spare.media:1935']]]);
  const result = statusOf(observation({ origins: { origins: resolved, problems: [] } }, spec), now);
  assert.deepEqual(
    result.origins?.map(({ group }) => group),
    ['main', 'main'],
  );
  assert.equal(result.originsReachable, '2/2');
});

test('OriginsReachable: as the edges see the origins', () => {
  const seen = (a: Parameters<typeof answering>[0], b = a) =>
    edgesSaying({ 'live-1': answering(a), 'live-2': answering(b) });
  const both = (a: 'up' | 'down' | 'untried' | 'suspect', b: typeof a) => ({
    origins: { 'origin-a.media:1935': a, 'origin-b.media:1935': b },
  });
  const refused = {
    origins: { 'origin-a.media:1935': ['down', 'connection refused'], 'origin-b.media:1935': 'up' },
  } as const;
  const problem = { reason: 'NoEndpoints', group: 'main', message: 'origin group main: …', isFound: false } as const;
  const { origins } = observation().origins;
  const cases: readonly (readonly [string, string, Partial<Observation>])[] = [
    ['2/2', 'AllReachable: 2 of 2 origins can be reached', {}],
    [
      '1/2',
      'AllReachable: 1 of 2 origins can be reached; the rest have not been tried yet',
      { edge: seen(both('up', 'untried')) },
    ],
    [
      '1/2',
      'SomeUnreachable: streams go by way of the other origins; not reachable: main/origin-a.media:1935 (connection refused)',
      { edge: seen(refused) },
    ],
    // As many edges see it down as up.
    [
      '1/2',
      'SomeUnreachable: streams go by way of the other origins; not reachable: main/origin-a.media:1935',
      { edge: seen(both('down', 'up'), both('up', 'up')) },
    ],
    [
      '0/2',
      'NoneReachable: group main has no origin that can be reached: main/origin-a.media:1935, main/origin-b.media:1935',
      { edge: seen(both('down', 'down')) },
    ],
    [
      '0/2',
      'NotTried: no edge has tried an origin yet: they do soon after they start',
      { edge: seen(both('untried', 'untried')) },
    ],
    ['0/2', 'NoEdges: no edge is ready that could tell', { pods: [] }],
    ['0/2', 'EdgesSilent: the operator has no answer from 2 edges', { edge: () => silent }],
    [
      '2/2',
      'NoEndpoints: origin group main: …; when edges last tried, they reached 2/2',
      { origins: { origins, problems: [problem] } },
    ],
  ];
  for (const [count, expected, wish] of cases) {
    const result = status(wish);
    assert.equal(told(result, 'OriginsReachable'), expected);
    assert.equal(result.originsReachable, count, expected);
  }
});

test('an origin is told as most edges see it, those that have tried it', () => {
  const pods = ['a', 'b', 'c', 'd'].map((name) => pod(name));
  const seeing = (state: 'up' | 'untried' | readonly ['down', string]) =>
    answering({ origins: { 'origin-a.media:1935': state } });
  const edge = edgesSaying({
    a: seeing('untried'),
    b: seeing(['down', 'no route']),
    c: seeing(['down', 'connection refused']),
    d: seeing('up'),
  });
  const result = status({ pods, edge });
  assert.deepEqual(result.origins?.[0], {
    group: 'main',
    server: 'origin-a.media:1935',
    state: 'Down',
    downOn: 2,
    reason: 'connection refused',
  });
  assert.match(told(result, 'Degraded'), /^OriginDown: .* from 2 of 4 edges$/);
});

test('origins of groups with TLS have a scheme in the edges’ reports', () => {
  const origins = [{ name: 'main', servers: ['origin-a.media'], tls: {} }];
  const edge = () => answering({ origins: { 'rtmps://origin-a.media:443': 'down' } });
  const resolved = { origins: new Map([['main', ['origin-a.media:443']]]), problems: [] };
  const result = status({ edge, origins: resolved }, { origins });
  assert.deepEqual(result.origins, [{ group: 'main', server: 'origin-a.media:443', state: 'Down', downOn: 2 }]);
});

test('Degraded: what needs a person, the worst first and all of it', () => {
  const refusal = answering({ hash: otherHash, error: 'line 3: unknown directive' });
  const quota = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }];
  const secret = { secret: 'tls', message: 'there is no Secret media/tls' };
  const cases: readonly (readonly [RegExp, Partial<Observation>])[] = [
    [/^AsExpected: all is as it should be$/, {}],
    [/^ConfigInvalid: .* the former one stays/, { config: { valid: false, reason: 'InvalidConfig', message: 'x' } }],
    [
      /^ConfigInvalid: .* so that no edge is made/,
      { config: { valid: false, reason: 'InvalidConfig', message: 'x' }, deployment: undefined },
    ],
    [
      /^NameTaken: Service live: it is Helm’s$/,
      { objects: [{ reason: 'NameTaken', object: 'Service live', message: 'it is Helm’s' }] },
    ],
    [
      /^ApplyRefused: Deployment live: quota$/,
      { objects: [{ reason: 'ApplyRefused', object: 'Deployment live', message: 'quota' }] },
    ],
    [
      /^Contested: Service live: kubectl$/,
      { objects: [{ reason: 'Contested', object: 'Service live', message: 'kubectl' }] },
    ],
    [/^SecretNotFound: there is no Secret media\/tls$/, { secrets: [secret] }],
    [/^PodsFailing: pod b: CrashLoopBackOff \(Error, exit code 1\)$/, { pods: [pod('a'), pod('b', 'failing')] }],
    [/^PodsFailing: pods cannot be made: exceeded quota$/, { deployment: deployment({ conditions: quota }) }],
    [
      /^EdgeConfigRefused: pod live-2 keeps its former configuration: line 3/,
      { edge: edgesSaying({ 'live-2': refusal }) },
    ],
    [
      /^EdgesSilent: the operator has no answer from 1 edge, .*: live-2: no answer in 2000 ms$/,
      { edge: edgesSaying({ 'live-2': silent }) },
    ],
    [
      /^CredentialRefused: the operator may not ask 1 edge, .*: live-2: it does not know the credential \(HTTP status 401\); .* Secret live-api-credentials .*; the operator has no answer from 1 edge/,
      { edge: edgesSaying({ 'live-1': silent, 'live-2': refusing }) },
    ],
    [/^CredentialMissing: no master key: who, what; /, { masterKeyProblem: 'no master key: who, what' }],
    [
      /^DefinitionOutdated: the CRD is older$/,
      { definition: [{ reason: 'DefinitionOutdated', message: 'the CRD is older' }] },
    ],
    // What it refused is wanted no longer.
    [/^AsExpected/, { edge: edgesSaying({ 'live-2': answering({ error: 'line 3' }) }) }],
    // It has not started yet, or ends.
    [
      /^AsExpected/,
      {
        pods: [pod('a'), pod('b'), pod('c', 'starting'), pod('d', 'ending')],
        edge: edgesSaying({ c: silent, d: silent }),
      },
    ],
    [
      /^SecretNotFound: there is no Secret media\/tls; pod b: CrashLoopBackOff .*; the operator has no answer from 1 edge/,
      { secrets: [secret], pods: [pod('a'), pod('b', 'failing')], edge: edgesSaying({ a: silent }) },
    ],
  ];
  for (const [expected, wish] of cases) assert.match(told(status(wish), 'Degraded'), expected);
});

test('ConfigValid: what is wrong, and where; warnings are told', () => {
  const message = 'spec.vhosts[0].extraDirectives line 2, column 5: unknown directive';
  const invalid = status({
    config: { valid: false, reason: 'InvalidDirectives', message },
    previous: { configHash: otherHash },
  });
  assert.equal(told(invalid, 'ConfigValid'), `InvalidDirectives: ${message}`);
  assert.equal(invalid.configHash, otherHash);
  const warned = status({ config: { valid: true, hash, warnings: ['a', 'b'] } });
  assert.equal(told(warned, 'ConfigValid'), 'Valid: edge.conf is valid, with warnings: a; b');
});

test('players of pods that end are counted; a silent edge counts with what it said last', () => {
  const last = answering({ players: 5 });
  assert.ok(last.state === 'answering');
  const edge = edgesSaying({
    a: answering({ players: 1 }),
    b: { state: 'silent', cause: 'noAnswer', why: 'x', last: last.report },
    c: answering({ players: 10 }),
  });
  const result = status({ pods: [pod('a'), pod('b'), pod('c', 'ending')], edge });
  assert.equal(result.players, 16);
  assert.equal(result.drainingReplicas, 1);
  assert.equal(status({ edge: () => silent }).players, undefined);
  assert.equal(status({ pods: [] }).players, 0);
});

test('an operator that has just started does not forget what it has not asked yet', () => {
  const wish = {
    edge: edgesSaying({ 'live-1': answering({ players: 7, origins: { 'origin-a.media:1935': ['down', 'refused'] } }) }),
  };
  const previous = status(wish);
  assert.deepEqual(statusOf(observation({ previous, edge: () => unknown }), later), previous);
});

test('a condition’s time moves with its status only', () => {
  const previous = status();
  const one = statusOf(observation({ previous, pods: [pod('a')] }), later);
  const times = (status: EdgeClusterStatus) =>
    status.conditions?.map(({ lastTransitionTime }) => lastTransitionTime.slice(11, 13));
  assert.deepEqual([brief(one).Ready, brief(one).Available], ['False EdgesNotReady', 'True SomeEdgesReady']);
  assert.deepEqual(times(one), ['13', '12', '13', '13', '12', '12', '12', '12']);
});

test('an origin that was down stays so until an edge has tried it again', () => {
  const seeing = (state: 'up' | 'down' | 'untried') =>
    edgesSaying({ 'live-1': answering({ origins: { 'origin-a.media:1935': state } }), 'live-2': unknown });
  const down = status({ edge: seeing('down') });
  const restarted = statusOf(observation({ previous: down, edge: seeing('untried') }), later);
  assert.deepEqual(restarted.origins?.[0], down.origins?.[0]);
  assert.match(told(restarted, 'Degraded'), /^OriginDown: /);
  const back = statusOf(observation({ previous: restarted, edge: seeing('up') }), later);
  assert.equal(back.origins?.[0]?.state, 'Up');
});

test('a pod without a node is no failure until autoscalers of nodes have had their time', () => {
  const waiting = (sinceMs: number) =>
    pod('b', 'failing', { phase: 'Pending', failure: { reason: 'Unschedulable', message: '0/3 nodes', sinceMs } });
  const at = (pods: PodView[]) => brief(status({ pods }));
  const young = [pod('a'), waiting(now.getTime() - 299_000)];
  assert.equal(at(young).Degraded, 'False AsExpected');
  assert.equal(at(young).Reconciling, 'True Progressing');
  assert.equal(told(status({ pods: young }), 'Progressing'), 'EdgesStarting: b waits for a node');
  assert.equal(graceEndsInMs(young, now.getTime()), 1000);
  const old = [pod('a'), waiting(now.getTime() - 300_000)];
  assert.equal(told(status({ pods: old }), 'Degraded'), 'PodsFailing: pod b: Unschedulable (0/3 nodes)');
  assert.equal(graceEndsInMs(old, now.getTime()), undefined);
});

test('edges that have told nothing lately are counted, and their players are not', () => {
  const edge = edgesSaying({ a: answering({ players: 1 }), b: silent, c: silent });
  const lost = pod('b', 'ready', { ready: false, failure: { reason: 'NotReady', message: 'x' } });
  const result = status({ pods: [pod('a'), lost, pod('c', 'ending')], edge });
  assert.deepEqual([result.players, result.silentReplicas], [1, 2]);
});

test('pods that have run their course do not count', () => {
  const result = status({ pods: [pod('a'), pod('b'), pod('c', 'failing', { phase: 'Failed' })] });
  assert.deepEqual([result.replicas, brief(result)], [2, fine]);
});

const arbitraryEdge: fc.Arbitrary<EdgeState> = fc.oneof(
  fc.constant(unknown),
  fc.constant(silent),
  fc
    .record({
      hash: fc.constantFrom(hash, otherHash),
      players: fc.nat(100),
      origins: fc.dictionary(
        fc.constantFrom('origin-a.media:1935', 'origin-b.media:1935'),
        fc.oneof(
          fc.constantFrom('up', 'untried'),
          fc.tuple(fc.constantFrom('down', 'suspect'), fc.constantFrom('x', 'y')),
        ),
      ),
    })
    .map(answering),
);
const arbitraryPods = fc.array(
  fc.record({ kind: fc.constantFrom('ready', 'starting', 'failing', 'ending'), edge: arbitraryEdge }),
  { maxLength: 5 },
);

test('status is a fixed point, and the order of pods makes no difference', () => {
  fc.assert(
    fc.property(arbitraryPods, arbitraryPods, fc.nat(4), (before, after, wanted) => {
      const observe = (members: typeof before, previous: EdgeClusterStatus | undefined, reversed = false) => {
        const pods = members.map(({ kind }, index) => pod(`live-${index}`, kind));
        const states = Object.fromEntries(members.map(({ edge }, index) => [`live-${index}`, edge]));
        const wish = { pods: reversed ? pods.toReversed() : pods, edge: edgesSaying(states), previous };
        return statusOf(observation(wish, { replicas: wanted }), previous ? later : now);
      };
      const first = observe(before, undefined);
      const second = observe(after, first);
      assert.deepEqual(observe(after, first, true), second);
      assert.deepEqual(observe(after, second), second);
      for (const { type, status, reason } of second.conditions ?? []) {
        const statuses: Readonly<Record<string, string>> = REASONS[type];
        assert.equal(statuses[reason], status);
      }
      kstatus(second);
    }),
  );
});

test('of many origins those that need a look are listed, all are counted, and a new operator keeps to that', () => {
  const servers = Array.from({ length: 200 }, (_, i) => `10.0.${i >> 8}.${i & 255}:1935`);
  const states = Object.fromEntries(servers.map((name, i) => [name, i % 90 === 89 ? 'down' : 'up'] as const));
  const wish = { origins: { origins: new Map([['main', servers]]), problems: [] } };
  const status = statusOf(observation({ ...wish, edge: () => answering({ origins: states }) }), now);
  assert.equal(status.origins?.length, 50);
  assert.deepEqual(
    status.origins?.slice(0, 3).map(({ server, state }) => `${server} ${state}`),
    ['10.0.0.89:1935 Down', '10.0.0.179:1935 Down', '10.0.0.0:1935 Up'],
  );
  assert.equal(status.originsReachable, '198/200');
  const started = statusOf(observation({ ...wish, previous: status, edge: () => unknown }), now);
  assert.equal(started.originsReachable, '198/200');
  assert.deepEqual(started.origins, status.origins);
});
