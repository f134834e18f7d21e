/** How origins are named, and what they speak by their addresses. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OriginAddress } from '../../edge/conf/model.ts';
import { addressIn, addressName, isHttp, isTls, originName } from '../../edge/upstream/connection/address.ts';

const at = (scheme: OriginAddress['scheme']): OriginAddress => ({ scheme, host: 'a.test', port: 1935 });

test('an origin is named by its address, and by which connection to it is meant', () => {
  assert.equal(originName(at('rtmp')), 'a.test:1935');
  assert.equal(originName({ ...at('rtmp'), door: 1 }), 'a.test:1935');
  assert.equal(originName({ ...at('https'), host: 'fd00::1', door: 12 }), 'https://[fd00::1]:1935#12');
  for (const door of [1, 2, 12])
    assert.equal(addressIn(originName({ ...at('rtmps'), door })), addressName(at('rtmps')));
  assert.equal(addressIn('a#1.test:1935#2'), 'a#1.test:1935');
});

test('what is spoken there, and whether by TLS', () => {
  const schemes = ['rtmp', 'rtmps', 'http', 'https'] as const;
  assert.deepEqual(
    schemes.filter((scheme) => isHttp(at(scheme))),
    ['http', 'https'],
  );
  assert.deepEqual(
    schemes.filter((scheme) => isTls(at(scheme))),
    ['rtmps', 'https'],
  );
});
