/** RTMP clients of a whole edge: who may come in, what they are told, and when they must go. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeAmf0 } from '../../edge/rtmp/amf0.ts';
import { type ControlMessage, parseControl } from '../../edge/rtmp/control.ts';
import { MessageType } from '../../edge/rtmp/message.ts';
import { makeCertificate } from '../support/certificate.ts';
import { EdgeProcess } from '../support/edge-process.ts';
import { audioFrame, clip, keyframe } from '../support/media.ts';
import { edgeConfig, originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer, tag } from '../support/rtmp-peer.ts';
import { player, publisher, startEdge, startOrigin, stream, testOptions } from '../support/rtmp-scene.ts';

// Most of the time is spent waiting for time-outs and processes.
describe('RTMP clients', { concurrency: 3 }, () => {
  test(
    'a second publisher of a live stream is refused with NetStream.Publish.BadName; the first goes on',
    testOptions,
    async (t) => {
      const edge = await startEdge(t, originConfig());
      const first = await publisher(t, edge);
      const second = await RtmpPeer.connect({ port: edge.port() });
      second.publish(stream);
      const { level, description } = await second.status('NetStream.Publish.BadName');
      assert.equal(level, 'error');
      assert.match(description, /is being published already/);
      await second.untilClosed();
      first.send(...clip());
      await (await player(t, edge)).frames(10);
    },
  );

  test(
    'a vhost that is disabled, and one that is not configured, are refused with the reason when a stream is asked for',
    testOptions,
    async (t) => {
      const edge = await startEdge(
        t,
        'listen 127.0.0.1:0; vhost off.test { enabled off; } vhost on.test { } edge { client_timeout 20000; }',
      );
      for (const action of ['play', 'publish'] as const) {
        for (const [host, name, reason] of [
          ['off.test', stream, /vhost off\.test is disabled/],
          ['unknown.test', stream, /vhost unknown\.test is not configured/],
          ['on.test', `${stream}?vhost=off.test`, /vhost off\.test is disabled/],
          ['on.test', `${stream}?vhost=unknown.test`, /vhost unknown\.test is not configured/],
        ] as const) {
          const peer = await RtmpPeer.connect({ port: edge.port(), tcUrl: `rtmp://${host}/live` });
          peer[action](name);
          const { description } = await peer.status('NetConnection.Connect.Rejected');
          assert.match(description, reason);
          await peer.untilClosed();
        }
      }
    },
  );

  test(
    'the stream names the vhost: a client whose host is none, or a disabled one, plays and publishes there',
    testOptions,
    async (t) => {
      const edge = await startEdge(
        t,
        'listen 127.0.0.1:0; vhost off.test { enabled off; } vhost on.test { chunk_size 4096; }',
      );
      const source = await RtmpPeer.publisher(
        { port: edge.port(), tcUrl: 'rtmp://unknown.test/live' },
        `${stream}?vhost=on.test`,
      );
      t.after(() => source.reset());
      source.send(...clip());
      const peer = await RtmpPeer.player(
        { port: edge.port(), tcUrl: 'rtmp://off.test/live' },
        `${stream}?vhost=on.test&token=1`,
      );
      t.after(() => peer.reset());
      await peer.frames(13);
    },
  );

  test(
    'token_traverse: the origin sees the client’s own connect; its refusal reaches the client with code and words',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, {
        connect: (command, connection) => {
          if (command.tcUrl.includes('token=good')) connection.accept(command);
          else connection.refuse(command, 'NetConnection.Connect.TokenExpired', 'the token is of yesterday');
        },
      });
      const early = { cluster: 'token_traverse on;', edge: 'on_connect_at connect;' };
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port], ...early }));
      const options = {
        port: edge.port(),
        properties: { pageUrl: 'http://page.test/', swfUrl: 'http://page.test/a.swf' },
      };
      const tcUrl = `rtmp://127.0.0.1:${edge.port()}/live?token=`;
      await assert.rejects(
        RtmpPeer.connect({ ...options, tcUrl: `${tcUrl}bad` }),
        /NetConnection\.Connect\.TokenExpired.*"the token is of yesterday"/,
      );
      const peer = await RtmpPeer.connect({ ...options, tcUrl: `${tcUrl}good`, args: ['extra', { user: 'me' }] });
      t.after(() => peer.reset());
      const shown = origin.connections[1]?.connectCommand;
      assert.equal(shown?.tcUrl, `${tcUrl}good`);
      assert.equal(shown?.pageUrl, 'http://page.test/');
      assert.equal(shown?.swfUrl, 'http://page.test/a.swf');
      assert.deepEqual(shown?.args, ['extra', { user: 'me' }]);
    },
  );

  test('token_traverse is not got round by naming the vhost in the stream', testOptions, async (t) => {
    const origin = await startOrigin(t, {
      play: (_, connection) => connection.send(...clip()),
      connect: (command, connection) => {
        // The edge's own pull says who asks; a client's connect is shown as the client sent it.
        if (command.args.length > 0 || command.tcUrl.includes('token=good')) connection.accept(command);
        else connection.refuse(command, 'NetConnection.Connect.Rejected', 'no token');
      },
    });
    const config = edgeConfig({ origins: [origin.port], cluster: 'token_traverse on;' });
    const edge = await startEdge(t, `vhost open.test { } ${config.replace('__defaultVhost__', 'closed.test')}`);
    for (const ask of ['play', 'publish'] as const) {
      const peer = await RtmpPeer.connect({ port: edge.port(), tcUrl: 'rtmp://open.test/live' });
      peer[ask](`${stream}?vhost=closed.test`);
      const { description } = await peer.status('NetConnection.Connect.Rejected');
      assert.match(description, /no token/);
      await peer.untilClosed();
    }
    const allowed = await RtmpPeer.connect({ port: edge.port(), tcUrl: 'rtmp://open.test/live?token=good' });
    t.after(() => allowed.reset());
    allowed.play(`${stream}?vhost=closed.test`);
    await allowed.status('NetStream.Play.Start');
  });

  test('token_traverse: with no origin to ask, the client is refused', testOptions, async (t) => {
    const origin = await startOrigin(t);
    await origin.die();
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], cluster: 'token_traverse on;' }));
    for (const ask of ['play', 'publish'] as const) {
      const peer = await RtmpPeer.connect({ port: edge.port() });
      peer[ask](stream);
      assert.match((await peer.status('NetConnection.Connect.Failed')).description, /no origin can be asked/);
      await peer.untilClosed();
    }
  });

  test(
    'debug_srs_upnode: the origin learns who asks, and the edge logs what the origin tells of itself',
    testOptions,
    async (t) => {
      const identity = { srs_server_ip: '192.0.2.1', srs_pid: 4711, srs_id: 'abc1234' };
      const origin = await startOrigin(t, { identity, play: (_, connection) => connection.send(...clip()) });
      const edge = await startEdge(t, edgeConfig({ origins: [origin.port] }));
      const peer = await player(t, edge);
      await peer.frames(3);
      const [about] = (await origin.request('play')).connectCommand?.args ?? [];
      const { client } = await edge.logged(({ msg }) => msg === 'play');
      assert.ok(about !== null && typeof about === 'object' && 'srs_id' in about);
      assert.equal(about.srs_id, client);
      assert.equal(about.srs_pid, edge.child.pid);
      const { upnode } = await edge.logged(({ msg }) => msg === 'pull connected');
      assert.deepEqual(upnode, { ip: '192.0.2.1', pid: 4711, id: 'abc1234' });
    },
  );

  test('debug_srs_upnode off: nothing is told', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const edge = await startEdge(t, edgeConfig({ origins: [origin.port], cluster: 'debug_srs_upnode off;' }));
    await player(t, edge);
    assert.deepEqual((await origin.request('play')).connectCommand?.args, []);
  });

  test('the vhost is transformed on the way to the origin', testOptions, async (t) => {
    const origin = await startOrigin(t);
    const config = edgeConfig({ origins: [origin.port], cluster: 'vhost up.[vhost];' });
    const edge = await startEdge(t, config.replace('__defaultVhost__', 'video.test'));
    const peer = await RtmpPeer.player({ port: edge.port(), tcUrl: 'rtmp://video.test/live' }, stream);
    t.after(() => peer.reset());
    const connection = await origin.request('play');
    assert.equal(connection.connectCommand?.tcUrl, `rtmp://up.video.test:${origin.port}/live`);
  });

  test('commands sent in one write, media behind them, are all answered in their order', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig());
    const watcher = await player(t, edge);
    const peer = await RtmpPeer.open({ port: edge.port() });
    t.after(() => peer.reset());
    peer.socket.cork();
    peer.sendConnect();
    peer.call('releaseStream', null, stream);
    peer.call('FCPublish', null, stream);
    peer.call('createStream', null);
    peer.publish(stream);
    const sent = clip();
    peer.send(...sent);
    peer.socket.uncork();
    await peer.status('NetStream.Publish.Start');
    const answers = peer.commands.flatMap((command) => (command.kind === 'result' ? [command.transactionId] : []));
    assert.deepEqual(answers, [1, 2, 3, 4]);
    assert.deepEqual((await watcher.frames(sent.length)).map(tag), sent.map(tag));
  });

  test('what a player is given until it leaves is counted to its stream', testOptions, async (t) => {
    const root = 'http_api { enabled on; listen 127.0.0.1:0; }';
    const edge = await startEdge(t, originConfig({ root }));
    const source = await publisher(t, edge);
    const watcher = await player(t, edge);
    const sent = clip();
    source.send(...sent);
    await watcher.frames(sent.length);
    watcher.socket.end();
    const gone = await edge.logged(({ msg, client }) => msg === 'client gone' && client !== undefined);
    const answer = await fetch(`http://127.0.0.1:${edge.port('http-api')}/api/v1/streams`);
    const { streams } = (await answer.json()) as { readonly streams: readonly { readonly send_bytes: number }[] };
    assert.ok((streams[0]?.send_bytes ?? 0) >= Number(gone.bytesSent), JSON.stringify(streams));
  });

  test('commands behind a refused one do not keep its reason from the client', testOptions, async (t) => {
    const edge = await startEdge(t, 'listen 127.0.0.1:0; vhost other.test { }');
    for (let round = 0; round < 20; round++) {
      const peer = await RtmpPeer.open({ port: edge.port() });
      peer.socket.cork();
      peer.sendConnect();
      peer.call('createStream', null);
      peer.publish(stream);
      for (let i = 0; i < 200; i++) peer.send(keyframe(i * 40, i, 2000));
      peer.socket.uncork();
      assert.match((await peer.status('NetConnection.Connect.Rejected')).description, /not configured/);
      await peer.untilClosed();
    }
  });

  test(
    'FCUnpublish, then publish again on the same connection, also long after client_timeout',
    testOptions,
    async (t) => {
      const edge = await startEdge(t, originConfig({ root: 'edge { client_timeout 2000; }' }));
      const watcher = await player(t, edge);
      const peer = await publisher(t, edge);
      const since = performance.now();
      // Publishing for longer than client_timeout must not count against the client afterwards.
      for (let i = 0; performance.now() - since < 2100; i++) {
        peer.send(audioFrame(i * 20, i));
        await watcher.frames(i + 1);
        await delay(20);
      }
      const before = watcher.media.length;
      for (let round = 0; round < 3; round++) {
        const from = peer.received.length;
        peer.call('FCUnpublish', null, stream);
        await peer.status('NetStream.Unpublish.Success', from);
        // Clients are looked at once a second.
        if (round === 0) await delay(1100);
        peer.call('deleteStream', null, 1);
        peer.call('createStream', null);
        peer.publish(stream);
        await peer.status('NetStream.Publish.Start', from);
      }
      peer.send(audioFrame(9000, 1));
      await watcher.frames(before + 1);
    },
  );

  test('client_timeout: who only connects is disconnected', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig({ root: 'edge { client_timeout 300; }' }));
    const mute = await RtmpPeer.open({ port: edge.port() });
    const connected = await RtmpPeer.connect({ port: edge.port() });
    await Promise.all([mute.untilClosed(), connected.untilClosed()]);
    await edge.logged(({ msg, reason }) => msg === 'client timed out' && `${reason}`.includes('client_timeout 300 ms'));
  });

  test(
    'firstpkt_timeout and normal_timeout: publishers that send nothing (more) are disconnected',
    testOptions,
    async (t) => {
      const config = 'vhost __defaultVhost__ { publish { firstpkt_timeout 300; normal_timeout 600; } }';
      const edge = await startEdge(t, `listen 127.0.0.1:0; ${config}`);
      const silent = await publisher(t, edge, 'silent');
      const stopped = await publisher(t, edge, 'stopped');
      stopped.send(...clip());
      await Promise.all([silent.untilClosed(), stopped.untilClosed()]);
      for (const why of ['firstpkt_timeout 300 ms', 'normal_timeout 600 ms']) {
        await edge.logged(({ msg, reason }) => msg === 'client timed out' && `${reason}`.includes(why));
      }
    },
  );

  test('garbage behind the handshake ends that socket alone', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig());
    const watcher = await player(t, edge);
    const good = await publisher(t, edge);
    const bad = await RtmpPeer.open({ port: edge.port() });
    bad.socket.write(Buffer.alloc(4000, 0xff));
    await bad.untilClosed();
    good.send(...clip());
    await watcher.frames(23);
  });

  test('srs_clients_errs_total counts who left because something failed, and no other', testOptions, async (t) => {
    const root = 'edge { client_timeout 2000; } exporter { enabled on; listen 127.0.0.1:0; }';
    const edge = await startEdge(t, originConfig({ root }));
    const done = await player(t, edge);
    const gone = await player(t, edge);
    await publisher(t, edge);
    done.end();
    gone.reset();
    const refused = await RtmpPeer.connect({ port: edge.port() });
    refused.publish(stream);
    const garbage = await RtmpPeer.open({ port: edge.port() });
    garbage.socket.write(Buffer.alloc(4000, 0xff));
    const mute = await RtmpPeer.open({ port: edge.port() });
    await Promise.all([refused, garbage, mute].map((peer) => peer.untilClosed()));
    while (edge.log.filter(({ msg }) => msg === 'client gone').length < 5) {
      await edge.logged(({ msg }) => msg === 'client gone', edge.log.length);
    }
    const metrics = await (await fetch(`http://127.0.0.1:${edge.port('exporter')}/metrics`)).text();
    assert.match(metrics, /^srs_clients_total 6$/m);
    assert.match(metrics, /^srs_clients_errs_total 3$/m);
  });

  test('in_ack_size and out_ack_size are what the client gets and is told', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig({ vhost: 'in_ack_size 6000; out_ack_size 7000;' }));
    const peer = await publisher(t, edge);
    const controls = (): ControlMessage[] =>
      peer.received
        .filter(({ message }) => message.type <= MessageType.setPeerBandwidth)
        .map(({ message }) => parseControl(message));
    const told = controls();
    assert.equal(told.find((control) => control.kind === 'windowAckSize')?.windowBytes, 7000);
    assert.ok(!told.some(({ kind }) => kind === 'acknowledgement'));
    peer.send(...clip(), keyframe(9000, 1, 6000));
    const { sequenceNumber } = await peer.until('an acknowledgement', () =>
      controls().find((control) => control.kind === 'acknowledgement'),
    );
    assert.ok(sequenceNumber >= 3000);
    const unasked = await startEdge(t, originConfig({ vhost: 'out_ack_size 0;' }));
    const other = await player(t, unasked);
    assert.ok(!other.received.some(({ message }) => message.type === MessageType.windowAckSize));
  });

  test(
    'pause: nothing more comes until the player goes on; then headers, a key frame, and time that runs on',
    testOptions,
    async (t) => {
      const edge = await startEdge(t, originConfig());
      const [peer, other] = [await player(t, edge), await player(t, edge)];
      const source = await publisher(t, edge);
      source.send(...clip({ gops: 1 }));
      await peer.frames(13);
      peer.call('pause', null, true, 0);
      await peer.status('NetStream.Pause.Notify');
      source.send(...clip({ startMs: 200, gops: 2, seed: 1 }).slice(3));
      await other.frames(33);
      // What was sent before would be here before this answer.
      const id = peer.call('getStreamLength', null, stream);
      await peer.command('an answer', (command) => command.kind === 'result' && command.transactionId === id);
      assert.equal(peer.media.length, 13);
      peer.call('pause', null, false, 0);
      await peer.status('NetStream.Unpause.Notify');
      source.send(keyframe(600, 7));
      const { message: last } = await peer.next((message) => message.timestamp === 600);
      assert.equal(last.type, MessageType.video);
      const since = peer.mediaMessages.slice(13).filter(({ type }) => type === MessageType.video);
      const kinds = since.map(({ payload }) => payload.subarray(0, 2).toString('hex'));
      assert.deepEqual(kinds.slice(0, 2), ['1700', '1701'], 'the header, then the key frame of the newest GOP');
      assert.deepEqual(
        since.slice(1).map(({ timestamp }) => timestamp),
        [400, 440, 480, 520, 560, 600],
      );
    },
  );

  test('play is answered as by SRS: who plays what, and that samples may be read', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig());
    const peer = await player(t, edge);
    const { client } = await edge.logged(({ msg }) => msg === 'play');
    for (const code of ['NetStream.Play.Reset', 'NetStream.Play.Start']) {
      const { info } = await peer.status(code);
      assert.ok(info !== null && typeof info === 'object' && 'clientid' in info && 'details' in info);
      assert.deepEqual([info.clientid, info.details], [client, stream]);
    }
    const notice = await peer.until('a notice', () =>
      peer.received.find(({ message }) => message.type === MessageType.dataAmf0),
    );
    assert.deepEqual(decodeAmf0(notice.message.payload), ['|RtmpSampleAccess', true, true]);
  });

  test('max_connections: one more is turned away; when one leaves there is room again', testOptions, async (t) => {
    const edge = await startEdge(t, originConfig({ root: 'max_connections 2;' }));
    const first = await player(t, edge);
    await player(t, edge);
    await assert.rejects(RtmpPeer.open({ port: edge.port() }), /closed before the handshake/);
    const since = edge.log.length;
    first.end();
    await edge.logged(({ msg }) => msg === 'client gone', since);
    await player(t, edge);
  });

  test(
    'RTMPS: a listener for clients, and an rtmps:// origin whose certificate is verified',
    testOptions,
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'rtmps-'));
      t.after(() => rmSync(directory, { recursive: true }));
      const { keyFile, certFile } = makeCertificate(directory, 'localhost');
      const origin = await startEdge(
        t,
        originConfig({ root: `rtmps { enabled on; listen 127.0.0.1:0; key ${keyFile}; cert ${certFile}; }` }),
      );
      const secure = { port: origin.port('rtmps'), tls: true };
      const source = await RtmpPeer.publisher(secure, stream);
      t.after(() => source.reset());
      const sent = clip();
      source.send(...sent);
      const origins = [`rtmps://localhost:${origin.port('rtmps')}`];
      const trusting = await startEdge(t, edgeConfig({ origins, edge: `origin_tls_ca_file ${certFile};` }));
      const peer = await player(t, trusting);
      // The origin's players get the last GOP.
      await peer.frames(3 + 10);
      const suspicious = await startEdge(t, edgeConfig({ origins }));
      await player(t, suspicious);
      const { reason } = await suspicious.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
      assert.match(`${reason}`, /self.signed/);
    },
  );

  test('RTMPS: an origin whose certificate is for a name that it is not listed by', testOptions, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'rtmps-'));
    t.after(() => rmSync(directory, { recursive: true }));
    // For localhost and 127.0.0.1.
    const { keyFile, certFile } = makeCertificate(directory, 'localhost');
    const host = '127.0.0.9';
    const rtmps = `rtmps { enabled on; listen ${host}:0; key ${keyFile}; cert ${certFile}; }`;
    const origin = await startEdge(t, originConfig({ root: rtmps }));
    const source = await RtmpPeer.publisher({ host, port: origin.port('rtmps'), tls: true }, stream);
    t.after(() => source.reset());
    source.send(...clip());
    const configOf = (tls: string): string =>
      edgeConfig({
        origins: [`rtmps://${host}:${origin.port('rtmps')}`],
        edge: `origin_tls_ca_file ${certFile}; ${tls}`,
      });
    const named = await startEdge(t, configOf('origin_tls_name localhost;'));
    await (await player(t, named)).frames(3 + 10);
    for (const tls of ['', 'origin_tls_name elsewhere.example.com;']) {
      const edge = await startEdge(t, configOf(tls));
      await player(t, edge);
      const { reason } = await edge.logged(({ msg, state }) => msg === 'origin state' && state === 'down');
      assert.match(`${reason}`, /altnames/);
    }
  });

  test('a broken configuration is refused at start: exit code 1, file and line', testOptions, async () => {
    await assert.rejects(EdgeProcess.start('listen 1935;\nlisten_to_me 1;'), /edge\.conf:2:1/);
  });
});
