/** Clients that an origin behind a proxy refuses, and origins that are gone behind one that still accepts connections. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { DistantProxy } from '../support/distant-proxy.ts';
import type { EdgeProcess } from '../support/edge-process.ts';
import { HookServer } from '../support/hook-server.ts';
import { clip } from '../support/media.ts';
import { startNginxProxy } from '../support/nginx-proxy.ts';
import { missing } from '../support/programs.ts';
import { edgeConfig } from '../support/rtmp-config.ts';
import type { OriginScript } from '../support/rtmp-origin.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { player, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';
import { SrsOrigin, srsMissing } from '../support/srs.ts';

const http = { root: 'http_server { enabled on; listen 127.0.0.1:0; }', vhost: 'http_remux { enabled on; }' };
const patient = 'request_timeout 20000; stall_timeout 20000; first_frame_timeout 20000;';
const near = { delayMs: 5, jitterMs: 0 };

/** As SRS does it. */
const strict: OriginScript = {
  play: (name, connection) => {
    if (name.endsWith('token=bad')) connection.socket.end();
    else connection.send(...clip());
  },
  publish: (name, connection) => {
    if (name.endsWith('token=bad')) connection.socket.end();
    else connection.publishes();
  },
};

/** A proxy of TCP, which accepts whoever comes. */
async function proxied(t: TestContext, port: number): Promise<number> {
  const proxy = await DistantProxy.start(port, near);
  t.after(() => proxy.close());
  return proxy.port;
}

async function refused(t: TestContext, edge: EdgeProcess, what: 'play' | 'publish', name: string): Promise<string> {
  const peer = await RtmpPeer.connect({ port: edge.port() });
  t.after(() => peer.reset());
  peer[what](name);
  const code = what === 'play' ? 'NetStream.Play.Failed' : 'NetStream.Publish.Rejected';
  const { description } = await peer.status(code);
  await peer.untilClosed();
  return description;
}

function speaksAgainst(edge: EdgeProcess): boolean {
  return edge.log.some(({ msg, state }) => msg === 'origin state' && (state === 'down' || state === 'suspect'));
}

describe('behind a proxy of TCP', { concurrency: 2 }, () => {
  test('a refusal is told apart, is asked for once, and nothing is held against the origin', testOptions, async (t) => {
    const origin = await startOrigin(t, strict);
    const edge = await startEdge(t, edgeConfig({ origins: [await proxied(t, origin.port)], edge: patient }));
    for (const what of ['play', 'publish'] as const) {
      assert.match(
        await refused(t, edge, what, `${what}ed?token=bad`),
        new RegExp(`closed the connection behind ${what}`),
      );
      assert.equal(origin.asked(what).length, 1);
    }
    await (await player(t, edge, `${stream}?token=good`)).frames(13);
    assert.ok(!speaksAgainst(edge));
  });

  for (const when of ['before', 'when it is asked'] as const) {
    test(`an origin that is gone ${when} refuses nobody: the next one is asked`, testOptions, async (t) => {
      const gone = await startOrigin(t, { play: () => void gone.die() });
      if (when === 'before') await gone.die();
      const well = await startOrigin(t, strict);
      const origins = [await proxied(t, gone.port), await proxied(t, well.port)];
      const edge = await startEdge(t, edgeConfig({ origins, edge: `balance failover; ${patient}` }));
      await (await player(t, edge, `${stream}?token=good`)).frames(13);
      assert.ok(!edge.log.some(({ msg }) => msg === 'client refused'));
      assert.ok(speaksAgainst(edge));
    });
  }
});

describe('SRS behind a proxy', { skip: srsMissing(), concurrency: 2 }, () => {
  async function scene(t: TestContext) {
    const hooks = await HookServer.start(t);
    const origin = await SrsOrigin.start(
      t,
      `http_hooks { enabled on; on_play ${hooks.url}; on_publish ${hooks.url}; }`,
    );
    const asked = (action: string): number => hooks.calls.filter((call) => call.action === action).length;
    return { origin, asked };
  }

  test(
    'of TCP: players and publishers with a bad token are refused at once, and asked for once',
    testOptions,
    async (t) => {
      const { origin, asked } = await scene(t);
      const edge = await startEdge(t, edgeConfig({ origins: [await proxied(t, origin.port)], edge: patient }));
      for (const what of ['play', 'publish'] as const) {
        assert.match(
          await refused(t, edge, what, `${what}ed?token=bad`),
          new RegExp(`closed the connection behind ${what}`),
        );
        assert.equal(asked(`on_${what}`), 1);
      }
      assert.ok(!speaksAgainst(edge));
    },
  );

  for (const by of ['TCP', 'HTTP'] as const) {
    test(`of ${by}: players by HTTP-FLV with a bad token are refused at once; who is gone refuses nobody`, {
      ...testOptions,
      skip: by === 'HTTP' && missing('nginx'),
    }, async (t) => {
      const { origin, asked } = await scene(t);
      const port =
        by === 'TCP'
          ? await proxied(t, origin.httpPort)
          : await startNginxProxy(t, `location /live/ { proxy_pass http://127.0.0.1:${origin.httpPort}; }`);
      const edge = await startEdge(
        t,
        edgeConfig({
          ...http,
          origins: [port],
          cluster: 'protocol flv;',
          edge: `token_ttl 60000; http_first_frame_timeout 2000; ${patient}`,
        }),
      );
      const url = `http://127.0.0.1:${edge.port('http')}/live/${stream}.flv`;
      for (let round = 0; round < 3; round++) assert.equal((await fetch(`${url}?token=bad`)).status, 403);
      assert.equal(asked('on_play'), 1);
      assert.ok(!speaksAgainst(edge));
      await origin.program.kill();
      assert.equal((await fetch(`${url}?token=other`)).status, 404, 'it waits for an origin, as long as it may');
    });
  }
});
