/** Bytes that a client sends lie in a buffer which the next read fills again: what has to wait is kept as it was. */

import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { Budget } from '../../edge/budget/budget.ts';
import { ReadGate } from '../../edge/budget/readers.ts';
import { defaultConfig } from '../../edge/conf/defaults.ts';
import { ChunkStreamId, encodeMessage } from '../../edge/rtmp/chunk-writer.ts';
import { MessageType } from '../../edge/rtmp/message.ts';
import { Inbox } from '../../edge/server/rtmp/inbox.ts';

class Scene {
  /** What the owner was told: payloads as text, and the rest by name. */
  readonly told: string[] = [];
  readonly inbox: Inbox;
  /** Called for each message. */
  onMessage: (text: string) => void = () => {};
  readonly #buffer = Buffer.alloc(64 * 1024);

  constructor() {
    const budget = new Budget(() => defaultConfig());
    const owner = {
      received: ({ payload }: { readonly payload: Buffer }) => {
        this.told.push(payload.toString());
        this.onMessage(payload.toString());
      },
      readEnd: () => this.told.push('end of read'),
      broken: () => this.told.push('broken'),
    };
    const holder = { admitted: true, turnAway: () => assert.fail('turned away') };
    this.inbox = new Inbox(owner, new ReadGate(new Socket(), budget.paused), budget, holder);
  }

  /** One read. The buffer is filled with something else afterwards. */
  read(...pieces: readonly Buffer[]): void {
    const bytes = Buffer.concat(pieces);
    bytes.copy(this.#buffer);
    this.inbox.push(this.#buffer.subarray(0, bytes.length));
    this.#buffer.fill('?');
  }
}

const message = (text: string): Buffer =>
  encodeMessage(
    { type: MessageType.audio, timestamp: 0, streamId: 1, payload: Buffer.from(text) },
    ChunkStreamId.audio,
    128,
  );

test('what comes behind a command that waits for its answer, in the same read and in later ones', () => {
  const scene = new Scene();
  scene.onMessage = (text) => {
    if (text === 'command') scene.inbox.hold();
  };
  scene.read(message('before'), message('command'), message('behind'));
  scene.read(message('later'), message('command'), message('after that'));
  assert.deepEqual(scene.told, ['before', 'command', 'end of read']);
  scene.inbox.release();
  assert.deepEqual(scene.told.slice(3), ['behind', 'later', 'command', 'end of read']);
  scene.read(message('last'));
  scene.inbox.release();
  assert.deepEqual(scene.told.slice(7), ['after that', 'last', 'end of read']);
});

test('a message that comes in two reads', () => {
  const scene = new Scene();
  const bytes = message('a message');
  for (let cut = 1; cut < bytes.length; cut++) {
    scene.read(bytes.subarray(0, cut));
    scene.read(bytes.subarray(cut));
    assert.deepEqual(scene.told.splice(0), ['end of read', 'a message', 'end of read']);
  }
});

test('what comes before a fault is passed on before the client is', () => {
  const scene = new Scene();
  // RTMP 1.0 §5.4.1: no chunk has a size of 0.
  const fault = Buffer.from('02 000000 000004 01 00000000 00000000'.replaceAll(' ', ''), 'hex');
  scene.read(message('good'), fault, message('never read'));
  assert.deepEqual(scene.told, ['good', 'end of read', 'broken']);
});
