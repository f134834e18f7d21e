/** Pulls by HTTP-FLV from scripted servers: what they answer, and what becomes of the stream, the client and the origin. */

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import type { EdgeProcess } from '../support/edge-process.ts';
import { FlvOrigin, flvOf } from '../support/flv-origin.ts';
import { clip, keyframe } from '../support/media.ts';
import { type EdgeOptions, edgeConfig } from '../support/rtmp-config.ts';
import { assertTagForTag, RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge } from '../support/rtmp-scene.ts';

/** Many streams, one after the other. */
const testOptions = { timeout: 60_000 };

type Script = (response: ServerResponse, request: IncomingMessage) => void;

const sent = clip();
const plays: Script = (response) => response.write(flvOf(sent));

function flvEdge({ cluster = '', ...options }: EdgeOptions): string {
  const root = 'http_server { enabled on; listen 127.0.0.1:0; dir /nonexistent; }';
  return edgeConfig({ root, vhost: 'http_remux { enabled on; }', ...options, cluster: `protocol flv; ${cluster}` });
}

/** Answers each stream as the script of its name says. */
function scripted(scripts: Readonly<Record<string, Script>>): Script {
  return (response, request) => {
    const name = /\/([^/]*)\.flv/.exec(request.url ?? '')?.[1] ?? '';
    (scripts[name] ?? plays)(response, request);
  };
}

function status(code: number, headers: Readonly<Record<string, string>> = {}): Script {
  return (response) => response.writeHead(code, headers).end();
}

function raw(head: string): Script {
  return ({ socket }) => {
    const bytes = Buffer.concat([Buffer.from(head), flvOf(sent)]);
    for (let at = 0; at < bytes.length; at += 7) socket?.write(bytes.subarray(at, at + 7));
  };
}

/** What was asked of an origin for a stream. */
function asked(origin: FlvOrigin, name: string): string[] {
  return origin.asked.map(({ url }) => url).filter((url) => url.includes(`/${name}.flv`));
}

function wentDown(edge: EdgeProcess): boolean {
  return edge.log.some(({ msg, state }) => msg === 'origin state' && state === 'down');
}

async function playsWhole(edge: EdgeProcess, name: string): Promise<void> {
  const peer = await RtmpPeer.player({ port: edge.port() }, name);
  await peer.frames(sent.length);
  assertTagForTag(peer, { sent });
  peer.reset();
}

describe('pulls by HTTP-FLV', { concurrency: 2 }, () => {
  test('what an origin does not give, another one does, and none is set aside for it', testOptions, async (t) => {
    const again = '/live/circle.flv';
    const scripts: Record<string, Script> = {
      ...Object.fromEntries(
        [404, 410, 403, 408, 429, 500, 502, 204, 206, 304].map((code) => [`s${code}`, status(code)]),
      ),
      page: (response) => response.end('<html>not here</html>'),
      empty: (response) => response.end(),
      cut: (response) => response.write(flvOf([]), () => response.socket?.destroy()),
      zipped: status(200, { 'Content-Encoding': 'gzip' }),
      long: status(200, { 'X-Long': 'x'.repeat(20_000) }),
      noHttp: ({ socket }) => socket?.end('RTSP/1.0 200 OK\r\n\r\n'),
      upgrade: ({ socket }) =>
        socket?.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
      // SRS answers when the stream begins.
      waits: () => {},
      circle: status(302, { Location: again }),
      nowhere: status(302),
      elsewhere: status(307, { Location: 'ftp://127.0.0.1/x' }),
      noUrl: status(302, { Location: 'http://[::' }),
    };
    const other = await FlvOrigin.start(t, scripted(scripts));
    const origin = await FlvOrigin.start(t, plays);
    const edge = await startEdge(
      t,
      flvEdge({ origins: [other.port, origin.port], edge: 'balance failover; stall_timeout 10000;' }),
    );
    for (const name of Object.keys(scripts)) {
      await playsWhole(edge, name);
      assert.equal(asked(other, name).length, name === 'circle' ? 4 : 1, name);
      assert.equal(asked(origin, name).length, 1, name);
    }
    assert.ok(!wentDown(edge));
    const reasons = edge.log.flatMap(({ msg, err }) =>
      msg === 'pull failed' ? [(err as { reason: string }).reason] : [],
    );
    for (const reason of [
      'answers with status 404',
      'no FLV signature at the beginning',
      'ended the stream',
      'sends the stream compressed (gzip)',
      'sends more than 16384 bytes of headers',
      'answers with status 302 and no place to go',
    ]) {
      assert.ok(reasons.includes(reason), `${reason} is among ${reasons.join('; ')}`);
    }
  });

  test('whatever the answer looks like, the player gets what the origin sends', testOptions, async (t) => {
    const scripts: Record<string, Script> = {
      close: raw('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'),
      old: raw('HTTP/1.0 200 OK\r\n\r\n'),
      length: raw('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 99999999\r\n\r\n'),
      hinted: raw('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
      chunked: plays,
      odd: (response) => {
        response.write(flvOf([...sent.slice(0, 5), { ...keyframe(0), type: 7 }, ...sent.slice(5)]));
      },
      s301: status(301, { Location: '../other/s302.flv?hop=1' }),
      s302: status(302, { Location: '/other/s307.flv' }),
      s307: (response, { headers }) =>
        status(307, { Location: `http://${headers.host}/far/y.flv?own=%20` })(response, {} as IncomingMessage),
    };
    const origin = await FlvOrigin.start(t, scripted(scripts));
    const edge = await startEdge(t, flvEdge({ origins: [origin.port], cluster: 'vhost b.test;' }));
    for (const name of Object.keys(scripts)) await playsWhole(edge, name);
    const { reason } = await edge.logged(({ msg }) => msg.startsWith('origin sent a message'));
    assert.equal(reason, 'a tag of type 7');
    assert.deepEqual(asked(origin, 's302'), ['/other/s302.flv?hop=1', '/live/s302.flv?vhost=b.test']);
    assert.deepEqual(asked(origin, 'y'), Array(3).fill('/far/y.flv?own=%20'));

    await playsWhole(edge, 'a%25é?sig=a+b%2F/=&vhost=__defaultVhost__&t="');
    assert.equal(origin.asked.at(-1)?.url, '/live/a%25%C3%A9.flv?sig=a+b%2F/=&t=%22&vhost=b.test');
    assert.equal(origin.asked.at(-1)?.headers.host, `127.0.0.1:${origin.port}`);
    // Who plays no more lets the origin go.
    await origin.until(() => origin.streams.size === 0 || undefined);
  });

  test(
    'a refusal, by a status or by closing, reaches the client at once, and is asked for once',
    testOptions,
    async (t) => {
      const scripts: Record<string, Script> = {
        s401: status(401),
        s403: status(403),
        s451: status(451),
        closes: ({ socket }) => socket?.destroy(),
      };
      const origin = await FlvOrigin.start(t, scripted(scripts));
      const edge = await startEdge(t, flvEdge({ origins: [origin.port], edge: 'request_timeout 10000;' }));
      for (const name of Object.keys(scripts)) {
        const url = `http://127.0.0.1:${edge.port('http')}/live/${name}.flv?token=bad`;
        for (let i = 0; i < 3; i++) assert.equal((await fetch(url)).status, 403, name);
        assert.equal(asked(origin, name).length, 1, name);
      }
    },
  );

  test('who closes and answers nobody is broken; who answers nobody at all is set aside', testOptions, async (t) => {
    const closing = await FlvOrigin.start(t, ({ socket }) => socket?.destroy(), false);
    const hung = await FlvOrigin.start(t, () => {}, false);
    const origin = await FlvOrigin.start(t, plays);
    const edge = await startEdge(
      t,
      flvEdge({ origins: [closing.port, hung.port, origin.port], edge: 'first_frame_timeout 20000;' }),
    );
    await playsWhole(edge, 'one');
    const hungName = `http://127.0.0.1:${hung.port}`;
    await edge.logged(({ msg, origin, state }) => msg === 'origin state' && origin === hungName && state === 'down');
    assert.ok(!edge.log.some(({ msg }) => msg === 'client refused'));
  });

  test('the only origin: what begins late, and what falls silent while the server is well', testOptions, async (t) => {
    const late = clip({ startMs: 60_000, seed: 1 });
    const origin = await FlvOrigin.start(
      t,
      scripted({
        late: () => {},
        silent: (response) => response.write(flvOf(asked(origin, 'silent').length === 1 ? sent : late)),
      }),
    );
    const edge = await startEdge(t, flvEdge({ origins: [origin.port], edge: 'stall_timeout 1000;' }));
    const peer = await player(t, edge, 'late');
    const response = await origin.until(() => [...origin.streams][0]);
    response.write(flvOf(sent));
    await peer.frames(sent.length);
    // Sequence headers that have not changed are not sent again.
    await (await player(t, edge, 'silent')).frames(sent.length + late.length - 3);
    assert.equal(asked(origin, 'silent').length, 2);
    assert.ok(!wentDown(edge));
  });
});
