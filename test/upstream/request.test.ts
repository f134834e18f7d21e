/** What an origin is asked for: by RTMP as SRS's edge puts it, by HTTP-FLV as a path. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLUSTER } from '../../edge/conf/defaults.ts';
import type { StreamRequest } from '../../edge/stream/request.ts';
import { traversedRequest, upstreamRequest } from '../../edge/upstream/connection/request.ts';
import { streamRequest } from '../support/requests.ts';

const address = { scheme: 'rtmp', host: 'origin.test', port: 1935 } as const;

function asked(of: Partial<StreamRequest>, vhost: string = CLUSTER.vhost): ReturnType<typeof upstreamRequest> {
  const cluster = { ...CLUSTER, mode: 'remote', origins: [address], vhost } as const;
  return upstreamRequest(streamRequest(of), cluster, { address }, 'edge-1');
}

describe('the path by HTTP-FLV', () => {
  const paths: [Partial<StreamRequest>, string][] = [
    [{}, '/live/livestream.flv?vhost=video.test'],
    [{ vhost: '__defaultVhost__' }, '/live/livestream.flv'],
    [{ vhost: '__defaultVhost__', stream: 'a.flv' }, '/live/a.flv'],
    [{ vhost: '__defaultVhost__', stream: '.flv.a' }, '/live/.flv.a.flv'],
    [{ vhost: '__defaultVhost__', app: 'a/b', stream: '100%' }, '/a/b/100%25.flv'],
    [{ vhost: '__defaultVhost__', stream: 'caf\u00e9 %2F' }, '/live/caf%C3%A9%20%252F.flv'],
    [{ vhost: '__defaultVhost__', param: '?k=v' }, '/live/livestream.flv?k=v'],
    [{ vhost: '__defaultVhost__', param: '?&&k=v?w&x' }, '/live/livestream.flv?k=v?w&x'],
    [{ vhost: '__defaultVhost__', param: '?a=1#b=2' }, '/live/livestream.flv?a=1&b=2'],
    [{ vhost: '__defaultVhost__', param: '#b=2' }, '/live/livestream.flv?b=2'],
    [{ param: '?vhost=other.test&token=a%2Fb' }, '/live/livestream.flv?token=a%2Fb&vhost=video.test'],
  ];
  for (const [of, expected] of paths) {
    test(JSON.stringify(of), () => assert.equal(asked(of).httpPath, expected));
  }

  test('where the origin redirects to, what it named is asked for', () => {
    const cluster = { ...CLUSTER, mode: 'remote', origins: [address] } as const;
    const target = { address, httpPath: '/elsewhere?x=1' };
    assert.equal(upstreamRequest(streamRequest(), cluster, target, 'edge-1').httpPath, '/elsewhere?x=1');
  });
});

test('by RTMP the vhost travels as the host of tcUrl, and the parameters without it', () => {
  const { app, tcUrl, stream } = asked({ param: '?vhost=other.test&k=v' });
  assert.deepEqual([app, tcUrl, stream], ['live', 'rtmp://video.test/live', 'livestream?k=v']);
  assert.equal(asked({}, 'of-[vhost].test').tcUrl, 'rtmp://of-video.test.test/live');
  assert.equal(asked({}, 'fixed.test').tcUrl, 'rtmp://fixed.test/live');
});

test('servers of SRS are told who asks, unless that is switched off', () => {
  const [identity] = asked({}).args;
  assert.partialDeepStrictEqual(identity, {
    srs_sig: 'edgecluster',
    srs_server: 'edgecluster/edge-1',
    srs_id: 'c0ffee1',
  });
  const { srs_server_ip: ip } = identity as { srs_server_ip: string };
  assert.match(ip, /^\d+\.\d+\.\d+\.\d+$/);
  assert.deepEqual(asked({}).args, [identity]);
  const cluster = { ...CLUSTER, mode: 'remote', origins: [address], debugSrsUpnode: false } as const;
  assert.deepEqual(upstreamRequest(streamRequest(), cluster, { address }, 'edge-1').args, []);
});

test('for token_traverse an origin gets what the client has shown, with its own app and tcUrl', () => {
  const shown = streamRequest({ connectObject: { token: 'x', app: 'forged' }, connectArgs: ['more'] });
  const { app, tcUrl, extra, args } = traversedRequest(shown);
  assert.deepEqual([app, tcUrl, args], ['live', 'rtmp://video.test/live', ['more']]);
  assert.deepEqual(extra, { token: 'x', app: 'live', tcUrl: 'rtmp://video.test/live' });
});
