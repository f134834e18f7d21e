/** How a stream is called in callbacks and in the API's answers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamId, streamUrl } from '../../edge/stream/name.ts';

const name = { vhost: '__defaultVhost__', app: 'live', stream: 'one' };

test('the default vhost is left out of a stream’s URL, others are not', () => {
  assert.equal(streamUrl(name), '/live/one');
  assert.equal(streamUrl({ ...name, vhost: 'video.test' }), 'video.test/live/one');
});

test('a stream’s id has SRS’s form, is the same each time, and another one for each name', () => {
  const names = [name, { ...name, vhost: 'video.test' }, { ...name, app: 'other' }, { ...name, stream: 'two' }];
  const ids = names.map(streamId);
  for (const id of ids) assert.match(id, /^vid-[0-9a-z]{7}$/);
  assert.equal(new Set(ids).size, names.length);
  assert.deepEqual(
    names.map((each) => streamId({ ...each })),
    ids,
  );
});
