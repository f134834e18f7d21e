/** What an answer by HTTP says of a stream, and what is asked of which port. */

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { CLUSTER, defaultVhost } from '../../edge/conf/defaults.ts';
import { parseConfig } from '../../edge/conf/load.ts';
import type { UpstreamProtocol } from '../../edge/conf/model.ts';
import { originName } from '../../edge/upstream/connection/address.ts';
import { faultOf } from '../../edge/upstream/connection/flv-answer.ts';
import { redirectionOf } from '../../edge/upstream/connection/request.ts';
import { endpointOf, protocolOf } from '../../edge/upstream/origins/endpoints.ts';
import { verdictOn } from '../../edge/upstream/origins/verdict.ts';

const url = 'http://o.test:8080/live/a.flv?t=1';

function fault(statusCode: number, headers: object = {}): ReturnType<typeof faultOf> {
  return faultOf({ statusCode, headers } as IncomingMessage, url, 'http://o.test:8080');
}

describe('an answer by HTTP', () => {
  for (const [status, expected] of [
    [404, 'absent'],
    [410, 'absent'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [451, 'refused'],
    [408, 'failed'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
    [204, 'failed'],
    [206, 'failed'],
    [304, 'failed'],
    [302, 'failed'],
  ] as const) {
    test(`${status}: ${expected}, and the origin is not blamed`, async () => {
      const error = fault(status);
      assert.ok(error !== undefined);
      assert.equal((await verdictOn(error, async () => true)).kind, expected);
      assert.equal(error.blamesOrigin, false);
      assert.match(error.reason, new RegExp(`^answers with status ${status}`));
      assert.equal(error.origin, 'http://o.test:8080');
      const codes = { absent: 'NetStream.Play.StreamNotFound', refused: 'NetStream.Play.Failed', failed: undefined };
      assert.equal(error.code, codes[expected]);
    });
  }

  for (const isWell of [true, false]) {
    test(`502: a proxy says so for a server that ${isWell ? 'refuses' : 'is gone'}; its folder tells which`, async () => {
      const error = fault(502);
      assert.ok(error !== undefined);
      const asked: (string | undefined)[] = [];
      const verdict = await verdictOn(error, async (folder) => {
        asked.push(folder);
        return isWell;
      });
      assert.equal(verdict.kind, isWell ? 'refused' : 'failed');
      assert.deepEqual(asked, ['/live/']);
    });
  }

  test('200 is the stream, unless it is compressed', () => {
    assert.equal(fault(200), undefined);
    assert.equal(fault(200, { 'content-encoding': 'identity' }), undefined);
    assert.equal(fault(200, { 'content-encoding': 'br' })?.failure, 'broken');
  });

  test('a redirection leads where its location says, as seen from the request', () => {
    const target = (location: string): unknown => redirectionOf(fault(307, { location }));
    const here = { scheme: 'http', host: 'o.test', port: 8080 };
    assert.deepEqual(target('/x/y.flv?q=%20'), { address: here, httpPath: '/x/y.flv?q=%20' });
    assert.deepEqual(target('z.flv'), { address: here, httpPath: '/live/z.flv' });
    assert.deepEqual(target('//b.test/z'), { address: { scheme: 'http', host: 'b.test', port: 80 }, httpPath: '/z' });
    assert.deepEqual(target('https://[::1]/z#f'), {
      address: { scheme: 'https', host: '::1', port: 443 },
      httpPath: '/z',
    });
    assert.deepEqual(target('rtmp://c.test/live/a'), { address: { scheme: 'rtmp', host: 'c.test', port: 1935 } });
    assert.deepEqual(target('rtmps://c.test/live/a'), { address: { scheme: 'rtmps', host: 'c.test', port: 443 } });
    for (const location of ['ftp://c.test/a', 'javascript:1', 'http://[::']) assert.equal(target(location), undefined);
  });

  test('what is no redirection leads nowhere', () => {
    assert.equal(fault(302)?.failure, 'broken');
    for (const error of [fault(404), new Error('x'), undefined]) assert.equal(redirectionOf(error), undefined);
  });

  test('what is logged of a redirection has no parameters: they may be a secret', () => {
    assert.equal(fault(302, { location: '/x.flv?token=secret' })?.reason, 'redirects to http://o.test:8080/x.flv');
  });
});

describe('where an origin is connected to', () => {
  /** By flv, flvs and for pushes. */
  function endpoints(cluster: string, edge = ''): string[] {
    const { config } = parseConfig(`listen 1; vhost a { cluster { mode remote; ${cluster} } edge { ${edge} } }`);
    const [vhost] = config.vhosts;
    assert.ok(vhost?.cluster.mode === 'remote');
    const [origin] = vhost.cluster.origins;
    assert.ok(origin !== undefined);
    const push = protocolOf(vhost, { purpose: 'publish', by: 'https-flv' });
    return (['flv', 'flvs', push] as const).map((protocol) => originName(endpointOf(origin, protocol, vhost)));
  }

  for (const [cluster, edge, expected] of [
    ['origin o;', '', ['http://o:80', 'https://o:443', 'o:1935']],
    ['origin o:1936;', '', ['http://o:80', 'https://o:443', 'o:1936']],
    ['origin o; protocol flv;', '', ['http://o:80', 'https://o:443', 'o:1935']],
    ['origin o:8080; protocol flv;', '', ['http://o:8080', 'https://o:443', 'o:1935']],
    ['origin o:1935; protocol flv;', '', ['http://o:1935', 'https://o:443', 'o:1935']],
    ['origin o:8443; protocol flvs;', '', ['http://o:80', 'https://o:8443', 'o:1935']],
    ['origin o:1936; protocol flv;', 'origin_http_port 8080;', ['http://o:8080', 'https://o:443', 'o:1936']],
    ['origin o:1936; protocol flvs;', 'origin_https_port 8443;', ['http://o:80', 'https://o:8443', 'o:1936']],
    ['origin o:8080; protocol flv;', 'origin_https_port 8443;', ['http://o:8080', 'https://o:8443', 'o:1935']],
    ['origin rtmps://o; protocol flv;', '', ['http://o:80', 'https://o:443', 'rtmps://o:443']],
    ['origin rtmps://o:8080; protocol flv;', '', ['http://o:8080', 'https://o:443', 'rtmps://o:443']],
    ['origin o; protocol rtmps;', '', ['http://o:80', 'https://o:443', 'rtmps://o:443']],
    ['origin o:1935; protocol rtmps;', '', ['http://o:80', 'https://o:443', 'rtmps://o:1935']],
    ['origin [::1]:8080; protocol flv;', '', ['http://[::1]:8080', 'https://[::1]:443', '[::1]:1935']],
  ] as const) {
    test(`${cluster} ${edge}`, () => assert.deepEqual(endpoints(cluster, edge), expected));
  }

  test('clients are followed by HTTP alone: for the others `protocol` counts, as in SRS', () => {
    const origins = [{ scheme: 'rtmp', host: 'o', port: 1935 }] as const;
    const by = (protocol: UpstreamProtocol, followClient: boolean): string[] => {
      const vhost = defaultVhost({ cluster: { ...CLUSTER, mode: 'remote', origins, protocol, followClient } });
      const clients = ['rtmp', 'rtmps', 'http-flv', 'ws-flv', 'https-flv', 'wss-flv'] as const;
      return clients.map((client) => protocolOf(vhost, { purpose: 'play', by: client }));
    };
    assert.deepEqual(by('rtmp', true), ['rtmp', 'rtmp', 'flv', 'flv', 'flvs', 'flvs']);
    assert.deepEqual(by('flvs', true), ['flvs', 'flvs', 'flv', 'flv', 'flvs', 'flvs']);
    assert.deepEqual(by('flv', false), Array(6).fill('flv'));
  });
});
