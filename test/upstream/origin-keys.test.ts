/** What an edge signs for its origins, judged as an origin that is an edge judges it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Tokens } from '../../edge/access/tokens.ts';
import { ACCESS, CLUSTER } from '../../edge/conf/defaults.ts';
import { paramMaxLength } from '../../edge/rtmp/names.ts';
import { resolveStreamUrl } from '../../edge/rtmp/url.ts';
import { OriginKeys } from '../../edge/upstream/connection/origin-keys.ts';
import { upstreamRequest } from '../../edge/upstream/connection/request.ts';
import { temporaryDirectory } from '../support/programs.ts';
import { streamRequest } from '../support/requests.ts';

const key = 'child:a secret of the tier above';
const log = pino({ level: 'silent' });
const cluster = { ...CLUSTER, mode: 'remote', origins: [] } as const;
const address = { scheme: 'rtmp', host: 'above.test', port: 1935 } as const;

function keyFile(t: TestContext, text = `${key}\n`): string {
  const file = join(temporaryDirectory(t), 'keys');
  writeFileSync(file, text);
  return file;
}

/** The parameters as the origin gets them, by RTMP and by HTTP-FLV. */
function received(param: string): readonly string[] {
  const request = streamRequest({ param });
  const { tcUrl, app, stream, httpPath } = upstreamRequest(request, cluster, { address }, 'edge-1');
  return [resolveStreamUrl({ tcUrl, app, stream }).param, new URL(httpPath, 'http://above.test').search];
}

/** What the log says of the file. */
function told(): { readonly keys: OriginKeys; readonly lines: string[] } {
  const lines: string[] = [];
  const into = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
  return { keys: new OriginKeys(into), lines };
}

const fromClients = [
  '',
  '?room=7',
  '?%69p=10.0.0.9',
  '#ip=10.0.0.9',
  '?a=1#ip=10.0.0.9',
  '?a=1#%69%70=10.0.0.9',
  '?a=1?ip=10.0.0.9&ip=10.0.0.9',
  '?sig=00&kid=x&exp=1&jwt=a.b.c',
  '?s%69g=00&%6bid=x&e%78p=1',
  '?vhost=video.test;sig=00',
  '?;sig=00',
  '?vhost=a.test;b=1&ip=10.0.0.9',
  '?a=...vhost...b.test;sig=1',
  '?a=%',
  '?+ip=1&i\tp=2',
  `?token=${'x'.repeat(paramMaxLength - '?token='.length)}`,
  `?token=${'x'.repeat(4_091 - '?token='.length)}`,
  `?token=${'é'.repeat(1_500)}`,
];

describe('a signature for an origin', () => {
  for (const param of fromClients) {
    const title = JSON.stringify(param.length > 60 ? `${param.slice(0, 20)}… ${param.length}` : param);
    test(`holds beside a client's ${title}`, async (t) => {
      const keysFile = keyFile(t);
      const signed = new OriginKeys(log).signed(keysFile, 'play', streamRequest({ param }), true);
      const token = { ...ACCESS.token, play: true, keysFile };
      for (const there of received(signed.param)) {
        assert.ok(there.length <= paramMaxLength, `${there.length} characters`);
        assert.equal(await new Tokens(log).fault(token, 'play', streamRequest({ param: there })), undefined, there);
        // Our own signature may begin with 0, too.
        assert.doesNotMatch(there, /10\.0\.0\.9|jwt|sig=0(?![0-9a-f]{63})/);
      }
    });
  }

  test('leaves the other parameters as they are', (t) => {
    const param = '?room=7&a=b?c=d&jwt=x&sig=y#z';
    const signed = new OriginKeys(log).signed(keyFile(t), 'play', streamRequest({ param }), true);
    assert.match(signed.param, /^\?kid=child&exp=\d+&ip=&sig=[0-9a-f]{64}&room=7&a=b\?c=d#z$/);
    const shownAlone = streamRequest({ param: '?jwt=x&sig=y' });
    assert.match(
      new OriginKeys(log).signed(keyFile(t), 'play', shownAlone, true).param,
      /^\?kid=child&exp=\d+&ip=&sig=[0-9a-f]{64}$/,
    );
    assert.equal(new OriginKeys(log).signed(keyFile(t), 'play', shownAlone, false).param, '');
  });

  test('is made for our origins alone, and what a client has shown goes to nobody', (t) => {
    const request = streamRequest({ param: '?room=7&jwt=x&sig=y' });
    assert.equal(new OriginKeys(log).signed(keyFile(t), 'play', request, false).param, '?room=7');
    assert.equal(new OriginKeys(log).signed('', 'play', request, true).param, request.param);
  });

  test('for where an origin redirects to by HTTP: for the path that it names, and nothing for others', (t) => {
    const file = keyFile(t);
    const keys = new OriginKeys(log);
    const own = /^kid=child&exp=\d+&ip=&sig=[0-9a-f]{64}/;
    const repeated = '/live/a.flv?kid=child&exp=1&ip=&sig=00&room=7';
    for (const [path, there, others] of [
      ['/live/a.flv', '/live/a.flv', ''],
      ['/b/live/a%20b.flv?vhost=v&room=7', '/b/live/a%20b.flv', '&vhost=v&room=7'],
      [repeated, '/live/a.flv', '&room=7'],
    ] as const) {
      const [pathname, query = ''] = keys.signedPath(file, path, true).split('?');
      assert.equal(pathname, there);
      assert.match(query, own);
      assert.equal(query.replace(own, ''), others);
    }
    assert.equal(keys.signedPath(file, repeated, false), '/live/a.flv?room=7');
    assert.equal(keys.signedPath(file, '/live/a.flv?kid=child&sig=00', false), '/live/a.flv');
    // Where it is somebody else's, or cannot be signed.
    for (const path of ['/live/a.flv?exp=1&sig=00', '/live/a.flv?jwt=x', '/live/a.flv?kid=cdn&exp=1&sig=00']) {
      for (const isOurs of [true, false]) assert.equal(keys.signedPath(file, path, isOurs), path);
    }
    assert.equal(keys.signedPath(file, '/live/a.flv?b=%', false), '/live/a.flv?b=%');
    for (const path of ['/a.flv?b=1', '/live/%E9.flv?b=1']) assert.equal(keys.signedPath(file, path, true), path);
    assert.equal(keys.signedPath('', repeated, false), repeated);
  });
});

describe('the file of the key', () => {
  test('keeps its last key while it cannot be read, and says so once', async (t) => {
    const file = keyFile(t);
    const { keys, lines } = told();
    const isSigned = (): boolean => keys.signed(file, 'play', streamRequest(), true).param.includes('kid=child');
    assert.ok(isSigned());
    rmSync(file);
    mkdirSync(file);
    // What was read in the same second is believed.
    t.mock.method(performance, 'now', () => 1e12);
    assert.ok(isSigned());
    t.mock.method(performance, 'now', () => 2e12);
    assert.ok(isSigned());
    assert.equal(lines.filter((line) => line.includes('the last one is used')).length, 1);
    rmSync(file, { recursive: true });
    writeFileSync(file, '# taken away\n');
    t.mock.method(performance, 'now', () => 3e12);
    assert.ok(!isSigned());
  });

  test('is not waited for where it is a named pipe, and a client’s own credentials stay here', (t) => {
    const file = join(temporaryDirectory(t), 'pipe');
    execFileSync('mkfifo', [file]);
    const { keys, lines } = told();
    assert.equal(keys.signed(file, 'play', streamRequest({ param: '?jwt=x&a=1' }), true).param, '?a=1');
    assert.match(lines.join(''), /it is no ordinary file/);
  });

  test('has lines before its key that are none: they are told by their numbers', (t) => {
    const file = keyFile(t, `# ours\nchild:short\n${key}\n`);
    const { keys, lines } = told();
    assert.match(keys.signed(file, 'play', streamRequest(), true).param, /kid=child/);
    assert.match(lines.join(''), /"badLines":\[2\]/);
  });
});
