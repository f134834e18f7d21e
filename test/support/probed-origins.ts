/** The health of origins, by a clock that stands still, and with probes that a test answers. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { UpstreamError, type UpstreamFailure } from '../../edge/upstream/connection/errors.ts';
import { OriginHealth } from '../../edge/upstream/origins/origin-health.ts';
import type { OriginReport } from '../../edge/upstream/origins/origin-record.ts';
import type { ProbeTimes } from '../../edge/upstream/origins/probe-delays.ts';
import { stopClock } from './stopped-clock.ts';

export const a: OriginAddress = { scheme: 'rtmp', host: 'a', port: 1935 };
export const b: OriginAddress = { scheme: 'rtmp', host: 'b', port: 1935 };

export function failure(kind: UpstreamFailure): UpstreamError {
  return new UpstreamError(kind, `it is ${kind}`, { origin: 'a:1935' });
}

/** Without chance: each delay is the longest that it may be. Nobody is checked who does not fail, unless a test says so. */
export class Scene {
  readonly health: OriginHealth;
  times: ProbeTimes = {
    probeMinMs: 1_000,
    probeMaxMs: 64_000,
    retryMinMs: 100,
    retryMaxMs: 400,
    checkIntervalMs: 0,
  };
  readonly changes: OriginReport[] = [];
  /** Probes that have no answer yet; the signal of one that ended early says so. */
  readonly open: { readonly host: string; readonly signal: AbortSignal; readonly end: (isWell: boolean) => void }[] =
    [];
  probes = 0;
  readonly #pass: (byMs: number) => void;

  constructor(t: TestContext) {
    this.#pass = stopClock(t);
    t.mock.method(Math, 'random', () => 1);
    this.health = new OriginHealth({
      probe: ({ host }, signal) => {
        this.probes++;
        return new Promise((resolve, reject) => {
          const end = (isWell: boolean): void => (isWell ? resolve() : reject(failure('unreachable')));
          this.open.push({ host, signal, end });
        });
      },
      times: () => this.times,
      changed: (report) => this.changes.push(report),
    });
    this.health.retain([a]);
    t.after(() => this.health.close());
  }

  get state(): string {
    return this.health.state(a);
  }

  fail(kind: UpstreamFailure = 'unreachable', origin = a): void {
    this.health.failed(origin, failure(kind));
  }

  /** The probe that is under way ends so. */
  async answer(isWell: boolean): Promise<void> {
    const probe = this.open.shift();
    assert.ok(probe, 'no probe is under way');
    probe.end(isWell);
    await settled();
  }

  /** Time passes until a probe begins: how much. The most that is waited for is two minutes. */
  untilProbe(): number | undefined {
    const before = this.probes;
    for (let passedMs = 0; passedMs <= 120_000; passedMs++) {
      if (this.probes > before) return passedMs;
      this.pass(1);
    }
    return undefined;
  }

  /** Probes fail one after another: the time before each. */
  async delays(count: number): Promise<(number | undefined)[]> {
    const delaysMs: (number | undefined)[] = [];
    for (let index = 0; index < count; index++) {
      delaysMs.push(this.untilProbe());
      await this.answer(false);
    }
    return delaysMs;
  }

  pass(ms: number): void {
    this.#pass(ms);
  }

  /** A stream waits for the origin, until the result is called. */
  wait(): () => Promise<void> {
    const end = new AbortController();
    const waiting = this.health.available(() => [a], end.signal).catch(() => {});
    return () => {
      end.abort();
      return waiting;
    };
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
