/** The container image: built from a local root file system, and run as Kubernetes runs it. `make image-test`. */

import assert from 'node:assert/strict';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { originConfig } from '../support/rtmp-config.ts';
import { RtmpPeer } from '../support/rtmp-peer.ts';
import { architecture, localBuildBase } from './base.ts';
import { buildImage, buildOffline } from './build.ts';
import { Container, type MountedImage, mountImage } from './container.ts';
import { output, run } from './run.ts';

const options = { timeout: 120_000 };
const conf = { args: ['-c', '/etc/edge/edge.conf'] } as const;

/** Every file below `directory`, links not followed. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

function firstBytes(file: string, size: number): string {
  const bytes = Buffer.alloc(size);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, bytes);
  closeSync(descriptor);
  return bytes.toString('latin1');
}

describe('the image', () => {
  const name = process.env.IMAGE ?? 'localhost/edgecluster-test:latest';
  let image: MountedImage;
  before(() => {
    if (process.env.IMAGE === undefined) buildOffline(name);
    image = mountImage(name);
  });
  after(() => {
    image?.unmount();
    if (process.env.IMAGE === undefined) output('buildah', ['rmi', '--force', name]);
  });

  test('says what it is, and runs as nobody', (t) => {
    const { User, StopSignal, Labels, Entrypoint } = image.config;
    assert.deepEqual([User, StopSignal], ['65532:65532', 'SIGTERM']);
    assert.equal(Labels['org.opencontainers.image.title'], manifest.name);
    assert.equal(Labels['org.opencontainers.image.version'], manifest.version);
    assert.equal(Labels['org.opencontainers.image.licenses'], manifest.license);
    // The same flags as `npm start`.
    assert.equal(Entrypoint.join(' '), manifest.scripts.start.replace('dist/', '/app/dist/'));
    t.diagnostic(`${Math.round(image.sizeBytes / 1e6)} MB`);
    assert.ok(image.sizeBytes < 350e6);
  });

  test('holds what is needed to run, and nothing to build with', () => {
    const files = filesBelow(image.root);
    const programs = new Set([
      'npm',
      'npx',
      'npm-cli.js',
      'gcc',
      'cc',
      'make',
      'sh',
      'bash',
      'busybox',
      'apt-get',
      'tsc',
    ]);
    assert.deepEqual(
      files.filter((file) => programs.has(file.slice(file.lastIndexOf('/') + 1))),
      [],
    );
    const modules = join(image.root, 'app/node_modules');
    const wanted = Object.keys(manifest.dependencies);
    const unwanted = Object.keys(manifest.devDependencies).filter((each) => !wanted.includes(each));
    for (const each of wanted) assert.ok(statSync(join(modules, each)).isDirectory(), each);
    for (const each of unwanted.filter((each) => !each.startsWith('@types/'))) {
      assert.equal(lstatSync(join(modules, each), { throwIfNoEntry: false }), undefined, each);
    }
    assert.ok(files.includes(join(image.root, 'app/dist/crds/edgecluster.yaml')));
  });

  test('nothing of ours depends on an architecture, or can be changed by who runs it', () => {
    const ours = filesBelow(join(image.root, 'app'));
    assert.ok(ours.length > 500);
    assert.deepEqual(
      ours.filter((file) => firstBytes(file, 4) === '\x7fELF'),
      [],
    );
    assert.deepEqual(
      ours.filter((file) => {
        const { uid, mode } = statSync(file);
        return uid !== 0 || (mode & 0o022) !== 0;
      }),
      [],
    );
  });

  test('another architecture has the same packages on its own base: nothing of it is run to build it', options, (t) => {
    const other = architecture === 'amd64' ? 'arm64' : 'amd64';
    const [base, foreign] = ['localhost/edgecluster-foreign-base', 'localhost/edgecluster-foreign'];
    const context = mkdtempSync(join(tmpdir(), 'edgecluster-base-'));
    t.after(() => rmSync(context, { recursive: true }));
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /base\n');
    run('buildah', ['build', '--quiet', '--platform', `linux/${other}`, '--tag', base, context]);
    buildImage({ image: foreign, base, buildBase: localBuildBase().image, platform: `linux/${other}` }, 'buildah');
    const mounted = mountImage(foreign);
    t.after(() => {
      mounted.unmount();
      output('buildah', ['rmi', '--force', foreign, base]);
    });
    assert.equal(mounted.architecture, other);
    // What is compiled may have changed while it was built: of that, that it is there.
    assert.ok(statSync(join(mounted.root, 'app/dist/operator/edgecluster.js')).isFile());
    const contents = (root: string): (string | number)[][] =>
      filesBelow(join(root, 'app/node_modules'))
        .map((file) => [file.slice(root.length), statSync(file).size])
        .sort();
    assert.deepEqual(contents(mounted.root), contents(image.root));
  });

  test('nothing of the building machine’s npm settings is left in it', () => {
    const names = /(^|\/)(\.npmrc|npm-ca|\.npm|npm-debug.*)$/;
    assert.deepEqual(
      filesBelow(image.root).filter((file) => names.test(file) && !file.includes('/app/node_modules/')),
      [],
    );
  });

  test('edge -t: right and wrong', options, async (t) => {
    const right = Container.start(t, image, {
      args: ['-t', ...conf.args],
      files: { 'edge.conf': originConfig() },
    });
    assert.equal(await right.exit(), 0, right.stderr);
    assert.match(right.stdout, /can be used/);
    const wrong = Container.start(t, image, {
      args: ['-t', ...conf.args],
      files: { 'edge.conf': 'listen 1; lisen 2;' },
    });
    assert.equal(await wrong.exit(), 1);
    assert.match(wrong.stderr, /edge\.conf:1:11: unknown directive "lisen"/);
    const byName = Container.start(t, image, { command: ['edge'], args: ['--version'] });
    assert.equal(await byName.exit(), 0, byName.stderr);
    assert.equal(byName.stdout, manifest.version);
  });

  test('an edge runs, serves its page, and on SIGTERM lets its player finish', options, async (t) => {
    const http = 'http_server { enabled on; listen 127.0.0.1:0; } http_api { enabled on; listen 127.0.0.1:0; }';
    const edge = Container.start(t, image, {
      ...conf,
      files: { 'edge.conf': originConfig({ root: http, vhost: 'edge { drain_timeout 60000; }' }) },
    });
    await edge.said((line) => line.includes('"started"'));
    const portOf = async (protocol: string): Promise<number> =>
      JSON.parse(await edge.said((line) => line.includes(`"protocol":"${protocol}"`))).port;
    const page = `http://127.0.0.1:${await portOf('http')}`;
    for (const path of ['/healthz', '/readyz', '/', '/edge/page.js', '/edge/screen.js', '/edge/mpegts.js']) {
      assert.equal((await fetch(page + path)).status, 200, path);
    }
    const api = `http://127.0.0.1:${await portOf('http-api')}/api/v1/edge`;
    const report = (await (await fetch(api)).json()) as { pid: string; version: string };
    assert.deepEqual([report.pid, report.version], ['1', manifest.version]);

    const player = await RtmpPeer.player({ port: await portOf('rtmp') }, 'livestream');
    t.after(() => player.reset());
    edge.signal('TERM');
    await edge.said((line) => line.includes('"draining"'));
    assert.equal((await fetch(`${page}/readyz`)).status, 503);
    assert.equal(player.closed, false);
    player.end();
    assert.equal(await edge.exit(), 0);
  });

  test('the operator is a command', options, async (t) => {
    const operator = Container.start(t, image, { command: ['edgecluster', 'operator', '--help'] });
    assert.equal(await operator.exit(), 0, operator.stderr);
    assert.match(operator.stdout, /edgecluster operator/);
    const manifestFile = readFileSync(join(import.meta.dirname, '../../crds/examples/edgecluster.yaml'), 'utf8');
    const render = Container.start(t, image, {
      command: ['edgecluster', 'render', '--conf', '-f', '/etc/edge/edgecluster.yaml'],
      files: { 'edgecluster.yaml': manifestFile },
    });
    assert.equal(await render.exit(), 0, render.stderr);
    assert.match(render.stdout, /^listen 1935;/);
  });

  test('the operator is process 1, waits for its API server, and stops when told to', options, async (t) => {
    const kubeconfig = `{ apiVersion: v1, kind: Config, current-context: c,
      clusters: [{ name: c, cluster: { server: "https://127.0.0.1:1" } }], users: [{ name: u, user: { token: t } }],
      contexts: [{ name: c, context: { cluster: c, user: u } }] }`;
    const operator = Container.start(t, image, {
      command: ['edgecluster', 'operator', '--kubeconfig', '/etc/edge/kubeconfig', '--listen', '127.0.0.1:0'],
      args: ['--edge-image', name],
      files: { kubeconfig },
    });
    await operator.said((line) => line.includes('cannot reach the API server'));
    operator.signal('TERM');
    assert.equal(await operator.exit(), 0, operator.stderr);
  });
});
