import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { currentSchema } from '../../../../operator/api/versions.ts';
import { Definition } from '../../../../operator/reconcile/observe/definition.ts';
import { edgeCluster } from '../../../support/edge-clusters.ts';

const ours = currentSchema();
const { spec } = ours.properties ?? {};
const newer = {
  ...ours,
  properties: {
    ...ours.properties,
    spec: { ...spec, properties: { ...spec?.properties, motto: { type: 'string' } } },
  },
} as typeof ours;

test('a definition that changes right after it was looked at is seen all the same, a little later', async (t) => {
  let served = ours;
  const seen = Promise.withResolvers<void>();
  const stop = new AbortController();
  const definition = new Definition({
    api: { schema: async <S>() => served as S },
    changed: () => seen.resolve(),
    log: pino({ level: 'silent' }),
    everyMs: 20,
    signal: stop.signal,
  });
  // What waits for it must not keep a process.
  const awake = setInterval(() => {}, 1000);
  t.after(() => {
    clearInterval(awake);
    stop.abort();
  });
  await definition.look();
  served = newer;
  await definition.look();
  await seen.promise;
  const known = edgeCluster();
  const cluster = { ...known, spec: { ...known.spec, motto: 'more' } };
  assert.deepEqual(
    definition.problemsOf(cluster).map(({ reason }) => reason),
    ['FieldsUnknown'],
  );
});
