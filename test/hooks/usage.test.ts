/** What clients have used is told while they play, and once more when they stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { defaultConfig, defaultVhost } from '../../edge/conf/defaults.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { Usage } from '../../edge/hooks/usage.ts';
import { UsageReports, type UsingClient } from '../../edge/hooks/usage-reports.ts';
import { streamRequest } from '../support/requests.ts';

function client(id: string, bytesSent: number, vhost = 'video.test'): UsingClient {
  const request = { ...streamRequest(), clientId: id, vhost };
  return { id, ip: '192.0.2.7', role: 'play', request, bytesReceived: 10, bytesSent };
}

function configWith(usageIntervalMs = 60_000): EdgeConfig {
  const edge = { onUsage: ['http://billing/'], usageIntervalMs };
  return defaultConfig({ vhosts: [defaultVhost({ name: 'video.test', edge }), defaultVhost({ name: 'other.test' })] });
}

test('bytes are those since the client began to play', () => {
  const usage = new Usage();
  const player = client('a', 1_000);
  assert.equal(usage.of(player.request, player), undefined, 'it has not begun');
  usage.begin(player.request, player);
  const used = usage.of(player.request, { ...player, bytesSent: 3_500, bytesReceived: 12 });
  assert.deepEqual(used, { send_bytes: 2_500, recv_bytes: 2, seconds: 0 });
  // It has left the list of clients already.
  assert.deepEqual(usage.of(player.request, undefined), { send_bytes: 0, recv_bytes: 0, seconds: 0 });
});

test('a report holds the clients of the vhost, 500 to a callback', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const usage = new Usage();
  const clients = Array.from({ length: 1_201 }, (_, index) => client(`c${index}`, index));
  clients.push(client('elsewhere', 1, 'other.test'));
  for (const each of clients) usage.begin(each.request, undefined);
  const posted: (readonly object[])[] = [];
  const reports = new UsageReports(
    () => clients,
    usage,
    async ({ name }, told) => {
      assert.equal(name, 'video.test');
      posted.push(told);
    },
  );
  reports.reconfigure(configWith());
  t.mock.timers.tick(60_000);
  await setImmediate();
  reports.close();
  assert.deepEqual(
    posted.map(({ length }) => length),
    [500, 500, 201],
  );
  assert.deepEqual(posted[0]?.[3], {
    client_id: 'c3',
    ip: '192.0.2.7',
    type: 'play',
    app: 'live',
    stream: 'livestream',
    param: clients[3]?.request.param,
    stream_url: 'video.test/live/livestream',
    send_bytes: 3,
    recv_bytes: 10,
    seconds: 0,
  });
});

test('while one round has no answer, no other begins; the interval of a reload counts', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const usage = new Usage();
  const player = client('a', 1);
  usage.begin(player.request, player);
  let posts = 0;
  const answers: (() => void)[] = [];
  const post = (): Promise<void> => {
    posts++;
    return new Promise((resolve) => answers.push(resolve));
  };
  const reports = new UsageReports(() => [player], usage, post);
  reports.reconfigure(configWith(10_000));
  t.mock.timers.tick(30_000);
  assert.equal(posts, 1);
  answers.pop()?.();
  await setImmediate();
  t.mock.timers.tick(10_000);
  assert.equal(posts, 2);
  answers.pop()?.();
  await setImmediate();
  reports.reconfigure(configWith(1_000));
  t.mock.timers.tick(1_000);
  assert.equal(posts, 3);
  answers.pop()?.();
  await setImmediate();
  reports.close();
  t.mock.timers.tick(60_000);
  assert.equal(posts, 3);
});

test('reloads that follow each other faster than the interval put no report off', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const usage = new Usage();
  const player = client('a', 1);
  usage.begin(player.request, player);
  let posts = 0;
  const reports = new UsageReports(
    () => [player],
    usage,
    async () => {
      posts++;
    },
  );
  for (let reload = 0; reload < 6; reload++) {
    reports.reconfigure(configWith(60_000));
    t.mock.timers.tick(30_000);
    await setImmediate();
  }
  assert.equal(posts, 3);
  reports.reconfigure(defaultConfig({ vhosts: [defaultVhost({ name: 'video.test' })] }));
  t.mock.timers.tick(60_000);
  assert.equal(posts, 3, 'the vhost has no on_usage any more');
});
