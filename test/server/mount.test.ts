/** Mount patterns: what a path means, and the path of a stream. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RtmpError } from '../../edge/rtmp/errors.ts';
import { resolveStreamUrl } from '../../edge/rtmp/url.ts';
import { matchMount, mountPath } from '../../edge/server/http/mount.ts';
import fc from '../support/property.ts';

const byHost = '[vhost]/[app]/[stream].flv';

describe('matchMount', () => {
  it('reads app and stream from the path, the vhost from the host', () => {
    const live = { vhost: undefined, app: 'live', stream: 'one' };
    assert.deepEqual(matchMount(byHost, 'a.example', '/live/one.flv'), live);
    assert.deepEqual(matchMount('/[app]/[stream].flv', 'any', '/live/one.flv'), live);
    assert.deepEqual(matchMount('/tv/[app]/x-[stream].flv', 'any', '/tv/live/x-one.flv'), live);
    assert.equal(matchMount('/tv/[app]/x-[stream].flv', 'any', '/tv/live/one.flv'), undefined);
  });

  it('lets an app have several levels, a stream none', () => {
    for (const path of ['/one.flv', '/live/one.ts', '/live/.flv', '//one.flv', '/live/one.flv/']) {
      assert.equal(matchMount(byHost, 'a.example', path), undefined, path);
    }
    for (const path of [
      '/live/show/one.flv',
      '/live%2Fshow/one.flv',
      '/live/show%2Fone.flv',
      '/live%252Fshow/one.flv',
      '/live//show/%2Fone%00.flv',
      '/live/_definst_/sh%20ow/one.flv',
    ]) {
      assert.deepEqual(matchMount(byHost, '', path), { vhost: undefined, app: 'live/show', stream: 'one' }, path);
    }
  });

  it('reads names as RTMP does, and refuses those that could be read in another way', () => {
    assert.equal(matchMount(byHost, '', '/live/caf%C3%A9%20.flv')?.stream, 'caf\u00e9');
    assert.equal(matchMount(byHost, '', '/live/cafe%CC%81.flv')?.stream, 'caf\u00e9');
    assert.equal(matchMount(byHost, '', '/live/%zz.flv')?.stream, '%zz');
    assert.equal(matchMount(byHost, '', '/live/a.b.flv')?.stream, 'a.b');
    for (const name of ['%E9', 'a%3Fb', 'a%23b', '..%2Fa', 'a%07', 'a...vhost...b', 'x'.repeat(513)]) {
      assert.throws(
        () => matchMount(byHost, '', `/live/${name}.flv`),
        (error) => error instanceof RtmpError && error.code === 'bad-name',
        name,
      );
    }
  });

  it('takes the vhost from the path where the pattern has it there', () => {
    const match = { vhost: 'a.example', app: 'live', stream: 'one' };
    assert.deepEqual(matchMount('/[vhost]/[app]/[stream].flv', 'any', '/a.example/live/one.flv'), match);
  });

  it('keeps to the host that a pattern names', () => {
    assert.notEqual(matchMount('a.example/[app]/[stream].flv', 'a.example', '/live/one.flv'), undefined);
    assert.equal(matchMount('a.example/[app]/[stream].flv', 'b.example', '/live/one.flv'), undefined);
  });

  it('reads what the pattern does not say from the path', () => {
    assert.deepEqual(matchMount('/live/[stream].flv', '', '/live/one.flv'), {
      vhost: undefined,
      app: 'live',
      stream: 'one',
    });
    assert.equal(matchMount('/[stream].flv', '', '/one.flv')?.app, '__defaultApp__');
    assert.equal(matchMount('/live/(only).flv', '', '/live/(only).flv')?.stream, '(only)');
  });
});

describe('HTTP and RTMP', () => {
  const part = fc
    .array(
      fc.oneof(
        fc.constantFrom('live', 'cam', '/', '%2F', '%252F', '%', '25', '%20', '%00', '%2e', '..', '_definst_', '%3F'),
        fc.constantFrom('%C3%A9', '%CC%81', 'e', '%E9', '&', '%23', ';', '='),
      ),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => parts.join(''));

  function outcome<T>(read: () => T): T | 'bad-name' {
    try {
      return read();
    } catch (error) {
      assert.ok(error instanceof RtmpError && error.code === 'bad-name');
      return 'bad-name';
    }
  }

  it('mean the same stream by the same names, and its path leads back to it', () => {
    fc.assert(
      fc.property(part, part, (app, stream) => {
        const byHttp = outcome(() => matchMount(byHost, '', `/${app}/${stream}.flv`));
        const byRtmp = outcome(() => resolveStreamUrl({ tcUrl: `rtmp://h/${app}`, app: '', stream: `${stream}.end` }));
        const again = outcome(() => matchMount(byHost, '', `/${app}/${stream}.end.flv`));
        if (byRtmp === 'bad-name' || again === 'bad-name' || again === undefined) return assert.equal(again, byRtmp);
        assert.deepEqual([again.app, again.stream], [byRtmp.app, byRtmp.stream]);
        if (byHttp === 'bad-name' || byHttp === undefined) return;
        const path = mountPath(byHost, { ...byHttp, vhost: 'a.example' });
        assert.deepEqual(matchMount(byHost, '', path), byHttp);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('mountPath', () => {
  it('is what matchMount reads', () => {
    const name = { vhost: 'a.example', app: 'live/show', stream: 'caf\u00e9%zz+&' };
    for (const pattern of [byHost, '/[vhost]/[app]/[stream].flv', 'a.example/x/[app]/[stream].flv']) {
      const match = matchMount(pattern, name.vhost, mountPath(pattern, name));
      assert.deepEqual({ ...match, vhost: match?.vhost ?? name.vhost }, name);
    }
  });
});
