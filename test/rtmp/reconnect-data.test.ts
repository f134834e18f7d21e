/** What asks a player of FLV to reconnect: who is meant, and what is not taken for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { reconnectRequestCode } from '../../edge/rtmp/command.ts';
import { MessageType } from '../../edge/rtmp/message.ts';
import { isReconnectRequest, parseReconnectKey, reconnectRequestData } from '../../edge/rtmp/reconnect-data.ts';
import fc from '../support/property.ts';

const key = 'a-key_1';
const asks = (payload: Buffer, type: number = MessageType.dataAmf0): boolean =>
  isReconnectRequest({ type, payload }, key);

test('whoever has given the key is asked, and nobody else', () => {
  assert.ok(asks(reconnectRequestData('go', key)));
  assert.ok(!asks(reconnectRequestData('go')));
  assert.ok(!asks(reconnectRequestData('go', `${key}x`)));
  assert.ok(!asks(reconnectRequestData('go', key), MessageType.video));
  assert.ok(!asks(encodeAmf0('onMetaData', { code: reconnectRequestCode, key })));
  assert.ok(!asks(encodeAmf0('onStatus', { code: 'another', description: reconnectRequestCode, key })));
  assert.ok(!asks(encodeAmf0('onStatus', reconnectRequestCode, { code: reconnectRequestCode, key })));
});

test('a request that is cut or has bytes changed asks nobody, or is whole', () => {
  const whole = reconnectRequestData('go', key);
  for (let end = 0; end < whole.length - 3; end++) assert.ok(!asks(whole.subarray(0, end)), `cut at ${end}`);
  const spoilt = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(spoilt, { minLength: 1, maxLength: 8 }), (changes) => {
      const payload = Buffer.from(whole);
      for (const [at, byte] of changes) payload[at] = byte;
      assert.equal(typeof asks(payload), 'boolean');
    }),
  );
});

test('a header that is no key of ours is none', () => {
  assert.equal(parseReconnectKey(key), key);
  for (const header of [undefined, '', ' ', 'a b', 'a,b', 'a'.repeat(65), 'é', [key]]) {
    assert.equal(parseReconnectKey(header), undefined, String(header));
  }
});
