/** The system's clock jumps by hours: no duration shows it. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { UpstreamError } from '../../edge/upstream/connection/errors.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import { getRequest, RawClient, startEdge } from '../server/harness.ts';
import { clip } from '../support/media.ts';

const hoursMs = 5 * 3_600_000;
const jumps = [-hoursMs, hoursMs];

/** Sets the system's clock, as this process sees it. */
function jump(t: TestContext, byMs: number): void {
  const now = Date.now() + byMs;
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now });
}

test('how long a client has been here', async (t) => {
  const edge = await startEdge(t, { httpApi: { enabled: true } });
  const source = await edge.publisher();
  source.push(...clip());
  const client = new RawClient(edge.port(), getRequest('/live/one.flv'));
  t.after(() => client.socket.destroy());
  await client.takeHead();
  for (const byMs of jumps) {
    jump(t, byMs);
    const response = await fetch(edge.url('/api/v1/clients', 'http-api'));
    const { clients } = (await response.json()) as { clients: { alive: number }[] };
    const [{ alive } = { alive: Number.NaN }] = clients;
    assert.ok(alive >= 0 && alive < 60, `${alive} s after a jump of ${byMs} ms`);
  }
});

test('since when an origin is in its state: always the same time ago', (t) => {
  const address = { scheme: 'rtmp', host: 'one', port: 1935 } as const;
  const health = new OriginHealth({
    probe: () => new Promise(() => {}),
    times: () => ({ probeMinMs: 1, probeMaxMs: 1, retryMinMs: 1, retryMaxMs: 1, checkIntervalMs: 0 }),
    changed: () => {},
  });
  t.after(() => health.close());
  health.retain([address]);
  health.failed(address, new UpstreamError('unreachable', 'no', { origin: 'one:1935' }));
  for (const byMs of jumps) {
    jump(t, byMs);
    const [report] = health.reports();
    const agoMs = Date.now() - (report?.sinceMs ?? 0);
    assert.ok(agoMs >= -1 && agoMs < 60_000, `${agoMs} ms ago`);
  }
});
