/** What is asked of `locate_url`, and which answers count. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { defaultVhost } from '../../edge/conf/defaults.ts';
import type { VhostConfig } from '../../edge/conf/model.ts';
import { HttpHooks } from '../../edge/hooks/http-hooks.ts';
import type { HookError } from '../../edge/hooks/post.ts';
import { LocateServer } from '../support/locate-server.ts';

const name = { vhost: 'a.example.com', app: 'live', stream: 's' };
const forever = new AbortController().signal;

function vhostFor(locateUrl: string): VhostConfig {
  return defaultVhost({ name: 'a.example.com', edge: { ...defaultVhost({ name: '' }).edge, locateUrl } });
}

function hook(): HttpHooks['locator'] {
  return new HttpHooks({ log: pino({ level: 'silent' }), serverId: 'edge-1' }).locator;
}

describe('locate_url', () => {
  test('the question names the stream and no client, the answer has origins in their order', async (t) => {
    const server = await LocateServer.start(t);
    server.answer = (_, response) =>
      response.end('{"code": 0, "data": {"origins": ["b:1", "rtmps://a", "[fd00::1]:7", "rtmp://10.0.0.1"]}}');
    const origins = await hook().locate(vhostFor(server.url), name, 'publish', forever);
    assert.deepEqual(origins, [
      { scheme: 'rtmp', host: 'b', port: 1 },
      { scheme: 'rtmps', host: 'a', port: 443, usualPort: true },
      { scheme: 'rtmp', host: 'fd00::1', port: 7 },
      { scheme: 'rtmp', host: '10.0.0.1', port: 1935, usualPort: true },
    ]);
    const [question] = server.questions;
    assert.deepEqual(Object.keys(question ?? {}), [
      'server_id',
      'service_id',
      'action',
      'vhost',
      'app',
      'stream',
      'stream_url',
      'stream_id',
      'purpose',
    ]);
    assert.deepEqual(
      { action: question?.action, vhost: question?.vhost, stream: question?.stream, purpose: question?.purpose },
      { action: 'on_locate', vhost: 'a.example.com', stream: 's', purpose: 'publish' },
    );
  });

  test('no origin is an answer, too', async (t) => {
    const server = await LocateServer.start(t);
    assert.deepEqual(await hook().locate(vhostFor(server.url), name, 'play', forever), []);
  });

  for (const [answer, message] of [
    ['', /is not \{"code": 0/],
    ['0', /is not \{"code": 0/],
    ['null', /is not \{"code": 0/],
    ['{"code": 0}', /is not \{"code": 0/],
    ['{"code": 0, "data": null}', /is not \{"code": 0/],
    ['{"data": {"origins": ["a:1"]}}', /is not \{"code": 0/],
    ['{"code": "0", "data": {"origins": ["a:1"]}}', /is not \{"code": 0/],
    ['{"code": 0, "data": {"origins": "a:1"}}', /is not \{"code": 0/],
    ['{"code": 4, "data": {"origins": ["a:1"]}}', /answered with code 4/],
    ['{"code": 0, "data": {"origins": ["a:1", "b:0"]}}', /"b:0" is not an origin/],
    ['{"code": 0, "data": {"origins": [17]}}', /17 is not an origin/],
    ['{"code": 0, "data": {"origins": ["http://a/b"]}}', /"http:\/\/a\/b" is not an origin/],
    ['{"code": 0, "data": {"origins": ["a:1 b:2"]}}', /"a:1 b:2" is not an origin/],
    [`{"code": 0, "data": {"origins": [${Array(17).fill('"a"')}]}}`, /has 17 origins; 16 are the most/],
    [`{"code": 0, "data": {"origins": [${' '.repeat(70_000)}]}}`, /more than 65536 bytes/],
  ] as const) {
    test(`an answer that does not count: ${answer.slice(0, 60)}`, async (t) => {
      const server = await LocateServer.start(t);
      server.answer = (_, response) => response.end(answer);
      await assert.rejects(hook().locate(vhostFor(server.url), name, 'play', forever), (error: HookError) => {
        assert.match(error.message, message);
        assert.ok(!error.message.includes('127.0.0.1') && !error.message.includes('secret'));
        return error.name === 'HookError';
      });
    });
  }

  test('a status of failure is none', async (t) => {
    const server = await LocateServer.start(t);
    server.answer = (_, response) => response.writeHead(404).end('{"code": 0, "data": {"origins": ["a"]}}');
    await assert.rejects(hook().locate(vhostFor(server.url), name, 'play', forever), /answered with status 404/);
  });
});
