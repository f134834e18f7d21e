import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { Homing } from '../../edge/upstream/pull/homing.ts';

const a: OriginAddress = { scheme: 'rtmp', host: 'a', port: 1935 };
const b: OriginAddress = { scheme: 'rtmp', host: 'b', port: 1935 };

/** A stream that is pulled from `b:1935`. */
class Scene {
  home: OriginAddress | undefined = b;
  present = 'b:1935';
  epoch = 0;
  readonly gone: OriginAddress[] = [];
  readonly events = new EventEmitter();
  readonly homing: Homing;

  constructor(settleMs = 20) {
    this.homing = new Homing(
      {
        home: () => this.home,
        present: () => this.present,
        epoch: () => this.epoch,
        go: (home) => {
          this.gone.push(home);
          this.events.emit('gone');
        },
      },
      { settleMs, spreadMs: 10 },
    );
    this.homing.look();
  }

  /** What happens while an origin changes. */
  change(home: OriginAddress | undefined): void {
    this.home = home;
    this.epoch++;
    this.homing.look();
  }
}

test('a stream that is elsewhere goes home, once for each change', async () => {
  const scene = new Scene();
  const gone = once(scene.events, 'gone');
  scene.change(a);
  await gone;
  // It did not deliver: the stream stays, and that origin is left in peace.
  for (let i = 0; i < 5; i++) scene.homing.look();
  await delay(60);
  assert.deepEqual(scene.gone, [a]);
  const again = once(scene.events, 'gone');
  scene.change(a);
  await again;
  scene.homing.stop();
});

test('a stream that has come to another origin goes home when that is well, without any change', async () => {
  const scene = new Scene();
  scene.home = a;
  const gone = once(scene.events, 'gone');
  scene.homing.moved();
  await gone;
});

test('at home again before it has settled, it goes nowhere', async () => {
  const scene = new Scene();
  scene.change(a);
  scene.present = 'a:1935';
  scene.homing.moved();
  // Nobody has told of this.
  scene.present = 'b:1935';
  await delay(60);
  assert.deepEqual(scene.gone, []);
});

test('one that comes and goes moves no stream', async () => {
  const scene = new Scene(80);
  for (let i = 0; i < 8; i++) {
    scene.change(i % 2 === 0 ? a : b);
    await delay(20);
  }
  scene.change(undefined);
  await delay(120);
  assert.deepEqual(scene.gone, []);
});

test('a change that nobody has told of yet is waited for, too; a stream that has ended goes nowhere', async () => {
  const scene = new Scene();
  scene.change(a);
  scene.epoch++;
  scene.home = b;
  await delay(60);
  assert.deepEqual(scene.gone, []);
  scene.change(a);
  scene.homing.stop();
  await delay(60);
  assert.deepEqual(scene.gone, []);
});
