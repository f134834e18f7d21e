/** What speaks against a configuration that a few edges got first. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Canary, complaintOf } from '../../../../operator/reconcile/rollout/canary-health.ts';
import { answering, hash, otherHash, pod, type ReportWish, report, silent, unknown } from '../scenes.ts';

const now = (wish: ReportWish = {}) => answering({ hash: otherHash, ...wish });
const canary = (wish: Partial<Canary> = {}): Canary => ({ pod: pod('live-1'), edge: now(), before: report(), ...wish });
const control = (wish: ReportWish = {}, before: ReportWish = {}) => ({ edge: answering(wish), before: report(before) });
const judge = (wish: Partial<Canary>, controls = [control()]) => complaintOf(canary(wish), controls, otherHash);

describe('an edge with a changed configuration', () => {
  it('that is as well as the others says nothing against it', () => {
    assert.equal(judge({}), undefined);
    assert.equal(judge({}, []), undefined, 'there are no others');
    assert.equal(judge({ before: undefined }), undefined, 'the operator was started after it got it');
  });

  it('that has not taken it, or cannot be asked, says nothing yet', () => {
    for (const edge of [answering({ hash }), silent, unknown]) assert.equal(judge({ edge }), undefined);
  });

  it('that is not ready any more, or fails', () => {
    assert.equal(judge({ pod: pod('live-1', 'failing') }), 'CrashLoopBackOff: Error, exit code 1');
    assert.equal(judge({ pod: pod('live-1', 'starting') }), 'it is not ready any more');
  });

  it('that refuses the file', () => {
    const edge = answering({ hash, error: 'canary.conf:3:1: unknown directive' });
    assert.equal(judge({ edge }), 'it refuses the file: canary.conf:3:1: unknown directive');
  });

  it('that refuses more clients than the others do', () => {
    const before = report({ clients: { taken: 100, refused: 40 } });
    const refusing = (taken: number, refused: number) =>
      judge({ before, edge: now({ clients: { taken: 100 + taken, refused: 40 + refused } }) }, [
        control({ clients: { taken: 1100, refused: 50 } }, { clients: { taken: 100, refused: 0 } }),
      ]);
    assert.equal(refusing(10, 2), undefined, 'too few to say');
    assert.equal(refusing(100, 14), undefined, 'not many more');
    assert.equal(refusing(10, 9), 'it refused 9 of 10 clients (90 %); edges with the former configuration refused 5 %');
    assert.match(refusing(0, 5) ?? '', /refused 5 of 5 clients \(100 %\)/);
  });

  it('whose clients are refused everywhere is not to blame', () => {
    const edge = now({ clients: { taken: 10, refused: 10 } });
    assert.equal(judge({ edge }, [control({ clients: { taken: 20, refused: 20 } })]), undefined);
    assert.match(judge({ edge }, []) ?? '', /^it refused 10 of 10 clients \(100 %\)$/);
  });

  it('of an older version counts no clients', () => {
    const { clients: _, ...older } = report({ hash: otherHash });
    const edge = { state: 'answering', report: { ...older, clients: undefined } } as const;
    assert.equal(judge({ edge }), undefined);
  });

  it('that cannot reach an origin, where no other edge says so', () => {
    const edge = now({ origins: { 'origin-c.media:1935': ['down', 'ECONNREFUSED'], 'origin-a.media:1935': 'up' } });
    assert.equal(judge({ edge }), 'it cannot reach origin-c.media:1935 (ECONNREFUSED)');
    const everywhere = { origins: { 'origin-c.media:1935': 'down' } } as const;
    assert.equal(judge({ edge }, [control(everywhere)]), undefined);
    assert.equal(judge({ edge, before: report(everywhere) }), undefined, 'it could not before');
    assert.equal(judge({ edge: now({ origins: { x: 'suspect', y: 'untried' } }) }), undefined);
  });

  it('whose event loop is late', () => {
    const edge = now({ eventLoopLagMs: 400 });
    assert.match(judge({ edge }) ?? '', /^its event loop is 400 ms late; .* 0 ms$/);
    assert.equal(judge({ edge }, [control({ eventLoopLagMs: 150 })]), undefined, 'the machines are busy');
    assert.equal(judge({ edge: now({ eventLoopLagMs: 200 }) }), undefined);
  });
});
