/** RTMPS: FFmpeg as client of an edge, and the edge as client of an origin, with a certificate that openssl made. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { capture, decode, makeClip, publishFile } from '../support/ffmpeg.ts';
import { missing, run, suiteCleaner, temporaryDirectory } from '../support/programs.ts';
import { describeTags, type FlvTag, isFrame, readFlv } from '../support/programs-flv.ts';
import { askedToPlay, askedToPublish, startEdge, startOrigin } from './cluster.ts';

interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate for 127.0.0.1 that vouches for itself. */
function selfSigned(directory: string): Certificate {
  const [key, cert] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=edge.test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ]);
  return { key, cert };
}

describe('RTMPS', { skip: missing('ffmpeg', 'openssl'), concurrency: true }, () => {
  const suite = suiteCleaner();
  let clip: string;
  let frames: FlvTag[];
  let top: string;
  let origin: EdgeProcess;
  let edge: EdgeProcess;

  function rtmps(server: EdgeProcess, path: string): string {
    return `rtmps://127.0.0.1:${server.port('rtmps')}/${path}`;
  }

  before(async () => {
    const directory = temporaryDirectory(suite);
    clip = makeClip(directory, 'clip');
    frames = readFlv(clip).filter(isFrame).slice(0, -12);
    const { key, cert } = selfSigned(directory);
    top = `rtmps { enabled on; listen 127.0.0.1:0; key ${key}; cert ${cert}; }`;
    origin = await startOrigin(suite, { top });
    const verify = `edge { origin_tls_verify on; origin_tls_ca_file ${cert}; }`;
    edge = await startEdge(suite, [rtmps(origin, '').slice(0, -1)], { top, vhost: verify });
  });

  it('carries a stream to the origin and back to a player', async (t) => {
    const player = capture(t, rtmps(edge, 'live/secret'));
    await askedToPlay(origin, 'secret');
    publishFile(t, clip, rtmps(edge, 'live/secret'), { speed: 2 });
    const played = await player.frames(frames.length);
    assert.deepEqual(describeTags(played.filter(isFrame)).slice(0, frames.length), describeTags(frames));
  });

  it('and plain RTMP meet in one stream', async (t) => {
    publishFile(t, clip, edge.rtmp('live/mixed'), { loop: true });
    await askedToPublish(origin, 'mixed');
    await Promise.all([rtmps(edge, 'live/mixed'), edge.rtmp('live/mixed')].map((url) => decode(t, url, 20).success()));
  });

  it('of an origin whose certificate nobody vouches for is not used', async (t) => {
    const strict = await startEdge(t, [rtmps(origin, '').slice(0, -1)], { vhost: 'edge { publish_timeout 500; }' });
    const publisher = publishFile(t, clip, strict.rtmp('live/refused'));
    assert.notEqual(await publisher.exit(), 0);
    // The push finds it out, or a check of the origin before it.
    await strict.logged((line) => /self-signed certificate/.test(JSON.stringify(line)));
  });

  it('of an origin is used unseen where verifying is off', async (t) => {
    const lax = await startEdge(t, [rtmps(origin, '').slice(0, -1)], { vhost: 'edge { origin_tls_verify off; }' });
    publishFile(t, clip, lax.rtmp('live/unseen'), { loop: true });
    await decode(t, lax.rtmp('live/unseen'), 20).success();
  });
});
