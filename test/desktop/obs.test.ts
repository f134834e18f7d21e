/** OBS Studio publishes through an edge: its connection outlives its origin, and it comes back when it is kicked. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { askedToPublish, startEdge, startOrigin } from '../interop/cluster.ts';
import { capture } from '../support/ffmpeg.ts';
import { missing } from '../support/programs.ts';
import { isFrame } from '../support/programs-flv.ts';
import { startObs } from './obs.ts';

interface ClientList {
  readonly clients: readonly { readonly id: string; readonly publish: boolean }[];
}

it('OBS Studio: a dead origin does not touch it, a kick brings it back', {
  skip: missing('obs', 'Xvfb', 'ffmpeg'),
}, async (t) => {
  const origins = [await startOrigin(t), await startOrigin(t)] as const;
  const edge = await startEdge(t, origins, { top: 'http_api { enabled on; listen 127.0.0.1:0; }' });
  const viewer = capture(t, edge.rtmp('live/obs'));
  await startObs(t, edge.rtmp('live'), 'obs');
  await askedToPublish(origins[0], 'obs');
  await viewer.frames(50);

  const since = edge.log.length;
  await origins[0].kill();
  await askedToPublish(origins[1], 'obs');
  const before = viewer.tags.filter(isFrame).length;
  const tags = await viewer.frames(before + 50);
  assert.deepEqual(
    edge.log.slice(since).filter(({ msg }) => msg === 'client gone' || msg === 'publish'),
    [],
    'nobody was cut',
  );
  const times = tags.filter((tag) => isFrame(tag) && tag.type === 9).map(({ timestamp }) => timestamp);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
    'the time of pictures goes on',
  );

  const api = `http://127.0.0.1:${edge.port('http-api')}/api/v1/clients`;
  const { clients } = (await (await fetch(api)).json()) as ClientList;
  const publisher = clients.find(({ publish }) => publish);
  const kicked = edge.log.length;
  assert.equal((await fetch(`${api}/${publisher?.id}`, { method: 'DELETE' })).status, 200);
  await askedToPublish(edge, 'obs', kicked);
  await viewer.frames(viewer.tags.filter(isFrame).length + 30);
});
