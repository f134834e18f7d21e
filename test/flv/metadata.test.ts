import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataPayload, stripSetDataFrame } from '../../edge/flv/metadata.ts';
import { ecmaArray, encodeAmf0 } from '../../edge/rtmp/amf0.ts';

const content = ecmaArray({ width: 1280, encoder: 'x' });
const published = encodeAmf0('@setDataFrame', 'onMetaData', content);
const played = encodeAmf0('onMetaData', content);

test('players get metadata without @setDataFrame, byte for byte', () => {
  assert.deepEqual(stripSetDataFrame(published), played);
  assert.deepEqual(metadataPayload(published), played);
  assert.equal(metadataPayload(played), played);
});

test('other data is no metadata, and untouched', () => {
  for (const name of ['onTextData', '@clearDataFrame', 'onMetaDat', 'onMetaDataX']) {
    const payload = encodeAmf0(name, content);
    assert.equal(metadataPayload(payload), undefined);
    assert.equal(stripSetDataFrame(payload), payload);
  }
  assert.equal(metadataPayload(encodeAmf0('@setDataFrame', 'onCuePoint', content)), undefined);
  assert.equal(metadataPayload(Buffer.alloc(0)), undefined);
  assert.equal(metadataPayload(published.subarray(0, 20)), undefined);
});
