/** `edgecluster up` as it is typed: edges start, follow the manifest without cutting anybody off, and end with it. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findNginx } from '../../../operator/up/local-hls.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { clip, interFrame, keyframe } from '../../support/media.ts';
import type { OriginConnection } from '../../support/rtmp-origin.ts';
import { RtmpPeer } from '../../support/rtmp-peer.ts';
import { deadOrigin, startOrigin, stream, testOptions } from '../../support/rtmp-scene.ts';

const command = join(import.meta.dirname, '../../../operator/edgecluster.ts');

/** Ports that edges begin to look from; each scene has its own. */
let port = 21_935;

interface Manifest {
  readonly servers: readonly string[];
  readonly more?: string;
}

class Up {
  readonly child: ChildProcess;
  readonly file: string;
  #said = '';
  readonly #closed: Promise<unknown>;

  constructor(directory: string, text: string, options: readonly string[]) {
    this.file = join(directory, 'edgecluster.yaml');
    writeFileSync(this.file, text);
    this.child = spawn(process.execPath, [command, 'up', '-f', this.file, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.child, 'close');
    for (const output of [this.child.stdout, this.child.stderr]) {
      output?.on('data', (bytes: Buffer) => {
        this.#said += bytes.toString();
      });
    }
  }

  /** Resolves with the match, when it has said so from `from` on. */
  async said(wanted: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const match = wanted.exec(this.#said.slice(from));
      if (match !== null) return match;
      const ended = this.#closed.then(() => Promise.reject(new Error(`it ended and said only:\n${this.#said}`)));
      await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), ended]);
    }
  }

  get saidSoFar(): number {
    return this.#said.length;
  }

  /** Its exit code; asks it to end first when given a signal. */
  async ended(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.child.kill(signal);
    await this.#closed;
    return this.child.exitCode;
  }

  get words(): string {
    return this.#said;
  }
}

function manifest({ servers, more = '' }: Manifest, ports: number): string {
  return `apiVersion: edgecluster.io/v1alpha1
kind: EdgeCluster
metadata: { name: live }
spec:
  replicas: 1
  listeners: { rtmp: { port: ${ports} }, http: { port: ${ports + 1} }, api: { port: ${ports + 2} }, exporter: { port: ${ports + 3} } }
  vhosts: [{ name: __defaultVhost__, minLatency: true }]
  origins: [{ name: main, servers: [${servers.map((server) => `"${server}"`).join(', ')}] }]
${more}`;
}

function startUp(t: TestContext, text: string, options: readonly string[] = []): Up {
  const directory = mkdtempSync(join(tmpdir(), 'up-'));
  const up = new Up(directory, text, options);
  t.after(async () => {
    await up.ended('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  });
  return up;
}

function nextPorts(): number {
  port += 100;
  return port;
}

async function rtmpPort(up: Up, edge = 'live-1'): Promise<number> {
  return Number((await up.said(new RegExp(`${edge} +rtmp://127.0.0.1:(\\d+)/`)))[1]);
}

/** Of an answer on this machine. */
async function statusOf(options: RequestOptions): Promise<number | undefined> {
  const [answer] = (await once(get({ host: '127.0.0.1', ...options }), 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

/** Sends a clip to who plays. */
const play = { play: (_: string, connection: OriginConnection) => connection.send(...clip()) };

describe('edgecluster up', { concurrency: 2 }, () => {
  test('metrics that ask for a credential have one, which does not open the API', testOptions, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'up-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const ports = nextPorts();
    const exporter = `exporter: { port: ${ports + 3} }`;
    const asking = exporter.replace(' }', ', requireCredentials: true }');
    const text = manifest({ servers: ['127.0.0.1:1'] }, ports).replace(exporter, asking);
    const up = startUp(t, text, ['--directory', directory]);
    await up.said(/edges 1\/1/);
    const file = join(directory, 'metrics-credentials');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const auth = readFileSync(file, 'utf8').trim();
    const metrics = { port: ports + 3, path: '/metrics' };
    assert.deepEqual([await statusOf(metrics), await statusOf({ ...metrics, auth })], [401, 200]);
    assert.equal(await statusOf({ port: ports + 2, path: '/api/v1/edge', auth }), 401);
  });

  test('the API of its edges has a credential, which only its user can read', testOptions, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'up-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const ports = nextPorts();
    const up = startUp(t, manifest({ servers: ['127.0.0.1:1'] }, ports), ['--directory', directory]);
    await up.said(/edges 1\/1/);
    const file = join(directory, 'api-credentials');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const auth = readFileSync(file, 'utf8').trim();
    const ask = (more: RequestOptions) => statusOf({ port: ports + 2, path: '/api/v1/edge', ...more });
    assert.deepEqual([await ask({}), await ask({ auth: 'operator:wrong' }), await ask({ auth })], [401, 401, 200]);
  });

  test('a changed list of origins reaches a running edge; its player stays', testOptions, async (t) => {
    const [first, second] = [await startOrigin(t, play), await startOrigin(t, play)];
    const ports = nextPorts();
    const up = startUp(t, manifest({ servers: [`127.0.0.1:${first.port}`] }, ports));
    const player = await RtmpPeer.player({ port: await rtmpPort(up) }, stream);
    t.after(() => player.reset());
    await player.frames(3);
    writeFileSync(up.file, manifest({ servers: [`127.0.0.1:${second.port}`] }, ports));
    await up.said(/edges reload their configuration/);
    const pulled = await second.request('play');
    const before = player.mediaMessages.length;
    pulled.send(keyframe(10_000), interFrame(10_040), keyframe(10_080));
    await player.until('frames of the second origin', () => player.mediaMessages[before]);
    assert.equal(player.closed, false);
  });

  test('a wrong manifest is told with its place, and what ran before runs on', testOptions, async (t) => {
    const origin = await startOrigin(t, play);
    const ports = nextPorts();
    const up = startUp(t, manifest({ servers: [`127.0.0.1:${origin.port}`] }, ports));
    const rtmp = await rtmpPort(up);
    writeFileSync(up.file, manifest({ servers: ['a:b:c'] }, ports));
    await up.said(
      /edgecluster\.yaml:8:\d+: spec\.origins\[0\]\.servers\[0\].*\n.* is not applied; what ran before runs on/,
    );
    const player = await RtmpPeer.player({ port: rtmp }, stream);
    t.after(() => player.reset());
    await player.frames(3);
  });

  test('edges come and go with replicas, and are replaced for what a process cannot change', testOptions, async (t) => {
    const origin = await deadOrigin(t);
    const servers = [`127.0.0.1:${origin.port}`];
    const ports = nextPorts();
    const up = startUp(t, manifest({ servers }, ports));
    await rtmpPort(up);
    writeFileSync(up.file, manifest({ servers }, ports).replace('replicas: 1', 'replicas: 2'));
    await up.said(/edges: 2 instead of 1/);
    await up.said(/live: edges 2\/2, /);
    await rtmpPort(up, 'live-2');
    writeFileSync(up.file, manifest({ servers }, ports + 50));
    await up.said(/edges replaced, as listen, .* changed; edges: 1 instead of 2/);
    assert.equal(await rtmpPort(up, 'live-3'), ports + 50);
  });

  test('HLS beside the edges, where nginx is installed', {
    ...testOptions,
    skip: findNginx() === undefined,
  }, async (t) => {
    const origin = await startOrigin(t, play);
    const http = createServer((request, response) => response.end(request.url)).listen(0, '127.0.0.1');
    await once(http, 'listening');
    t.after(() => {
      http.closeAllConnections();
      http.close();
    });
    const ports = nextPorts();
    const text = manifest({ servers: [`127.0.0.1:${origin.port}`] }, ports);
    const more = `  hls: { listeners: { http: { port: ${ports + 7} } } }\n`;
    const address = http.address();
    const at = typeof address === 'object' ? address?.port : '';
    const up = startUp(t, `${text}${text.endsWith('\n') ? '' : '\n'}${more}`, [
      '--http-origin',
      `main=127.0.0.1:${at}`,
    ]);
    const [, url = ''] = await up.said(/HLS {2}(http:\S+)\/live\/STREAM.m3u8/);
    assert.equal(await (await fetch(`${url}/live/a.m3u8`)).text(), '/live/a.m3u8');
  });

  test('an edge that is killed comes back where it was', testOptions, async (t) => {
    const origin = await startOrigin(t, play);
    const up = startUp(t, manifest({ servers: [`127.0.0.1:${origin.port}`] }, nextPorts()));
    const rtmp = await rtmpPort(up);
    const player = await RtmpPeer.player({ port: rtmp }, stream);
    for (const pid of childrenOf(up.child.pid)) process.kill(pid, 'SIGKILL');
    await player.untilClosed();
    const from = up.saidSoFar;
    await up.said(/has ended and is started again/);
    await up.said(/edges 1\/1/, from);
    const again = await RtmpPeer.player({ port: rtmp }, stream);
    t.after(() => again.reset());
    await again.frames(3);
  });

  test('RTMPS with a directory in the place of the Secret, which must be named', testOptions, async (t) => {
    const origin = await startOrigin(t, play);
    const ports = nextPorts();
    const servers = [`127.0.0.1:${origin.port}`];
    const text = manifest({ servers }, ports).replace(
      'rtmp: {',
      `rtmps: { port: ${ports + 5}, secretName: cert }, rtmp: {`,
    );
    const without = startUp(t, text);
    assert.equal(await without.ended(), 1);
    assert.match(without.words, /Secret cert is not here: say --secret cert=DIRECTORY/);
    const directory = mkdtempSync(join(tmpdir(), 'cert-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    makeCertificate(directory, 'edge');
    const up = startUp(t, text, ['--secret', `cert=${directory}`]);
    await up.said(new RegExp(`rtmps://127.0.0.1:${ports + 5}/`));
  });

  test(
    'tiers of one manifest are a tree: the origin sees a stream once, whatever edges come and go',
    testOptions,
    async (t) => {
      const origin = await startOrigin(t, play);
      const top = nextPorts();
      const region = manifest({ servers: [`127.0.0.1:${origin.port}`] }, top).replace('name: live', 'name: region');
      const below = manifest({ servers: [] }, nextPorts())
        .replace('name: live', 'name: city')
        .replace('replicas: 1', 'replicas: 2');
      const city = below.replace('servers: []', 'edgeCluster: { name: region }');
      const up = startUp(t, `${city}---\n${region}`);
      await up.said(/region: edges 1\/1, .*; city: edges 2\/2, /);
      for (const edge of ['city-1', 'city-2']) {
        const player = await RtmpPeer.player({ port: await rtmpPort(up, edge) }, stream);
        t.after(() => player.reset());
        await player.frames(3);
      }
      assert.equal(origin.asked('play').length, 1);
      const from = up.saidSoFar;
      writeFileSync(up.file, `${city}---\n${region.replace('replicas: 1', 'replicas: 2')}`);
      await up.said(
        /city: nothing to do\nregion: edges: 2 instead of 1|region: edges: 2 instead of 1\ncity: edges reload/,
        from,
      );
    },
  );

  test(
    'a tree that cannot be: a tier above that is not there, a circle, and what is no tree',
    testOptions,
    async (t) => {
      const ports = nextPorts();
      const city = manifest({ servers: [] }, ports).replace('servers: []', 'edgeCluster: { name: region }');
      const alone = startUp(t, city);
      assert.equal(await alone.ended(), 1);
      assert.match(
        alone.words,
        /follows EdgeCluster region, which is not in the manifest: say --origin main=HOST:PORT/,
      );
      const region = city.replace('name: live', 'name: region');
      const circle = startUp(
        t,
        `${city}---\n${region.replace('edgeCluster: { name: region }', 'edgeCluster: { name: live }')}`,
      );
      assert.equal(await circle.ended(), 1);
      assert.match(circle.words, /live: spec\.origins: .*: default\/live → default\/region → default\/live;/);
      const other = manifest({ servers: ['127.0.0.1:1'] }, ports).replace('name: live', 'name: other');
      const several = startUp(t, `${manifest({ servers: ['127.0.0.1:1'] }, ports)}\n---\n${other}`);
      assert.equal(await several.ended(), 1);
      assert.match(several.words, /several EdgeClusters that are not one tree; say --name, one of live, other/);
    },
  );

  test('Ctrl-C ends it and all its edges', testOptions, async (t) => {
    const up = startUp(t, manifest({ servers: ['127.0.0.1:1'] }, nextPorts()));
    await rtmpPort(up);
    const children = childrenOf(up.child.pid);
    assert.equal(children.length, 1);
    assert.equal(await up.ended('SIGINT'), 0);
    for (const pid of children) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  test('wrong arguments: exit code 2 and how it is used', testOptions, async (t) => {
    const up = startUp(t, manifest({ servers: ['127.0.0.1:1'] }, nextPorts()), ['--origin', 'main']);
    assert.equal(await up.ended(), 2);
    assert.match(up.words, /--origin takes NAME=VALUE, not "main"\n\nusage: edgecluster up/);
  });

  test('--origin takes the place of a Service, and of a group that there is', testOptions, async (t) => {
    const ports = nextPorts();
    const service = manifest({ servers: [] }, ports).replace('servers: []', 'service: { name: srs }');
    const without = startUp(t, service);
    assert.equal(await without.ended(), 1);
    assert.match(without.words, /origin group main follows a Service, and there is none here: say --origin main=/);
    const wrong = startUp(t, service, ['--origin', 'other=127.0.0.1:1']);
    assert.equal(await wrong.ended(), 1);
    assert.match(wrong.words, /--origin other: spec\.origins has main/);
    const up = startUp(t, service, ['--origin', 'main=127.0.0.1:1']);
    await rtmpPort(up);
  });
});

function childrenOf(pid: number | undefined): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').map(Number);
}
