/** Keys of TLS session tickets: who can resume a session, and for how long. With servers and clients of Node's TLS. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect, createServer, type SecureVersion, type Server } from 'node:tls';
import { pino } from 'pino';
import { keysOfDay, TicketKeys } from '../../edge/server/ticket-keys.ts';
import { followFiles, type TlsListener, tlsOptions } from '../../edge/server/tls.ts';
import { type CertificateFiles, makeCertificate } from '../support/certificate.ts';
import { missing, temporaryDirectory } from '../support/programs.ts';

const dayMs = 86_400_000;
const everyMs = 20;
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
const secret = (letter: string): string => `${letter.repeat(43)}=\n`;

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
}

/** What several edges have in common. */
class Scene {
  nowMs = 1_000 * dayMs;
  readonly directory: string;
  readonly certificate: CertificateFiles;
  readonly lines: Line[] = [];
  #heard = (): void => {};
  readonly #context: TestContext;
  readonly #log = pino({ level: 'info' }, { write: (text: string) => this.#hear(text) });

  constructor(context: TestContext) {
    this.#context = context;
    this.directory = temporaryDirectory(context);
    this.certificate = makeCertificate(this.directory, 'edge');
  }

  file(name: string, text?: string): string {
    const path = join(this.directory, name);
    // As a whole: nobody reads the half of it.
    if (text !== undefined) writeFileSync(`${path}.new`, text);
    if (text !== undefined) renameSync(`${path}.new`, path);
    return path;
  }

  /** The keys of a process. */
  keys(file: string): TicketKeys {
    const keys = new TicketKeys(this.#log, () => this.nowMs, everyMs);
    this.#context.after(() => keys.close());
    keys.follow(file);
    return keys;
  }

  async server(ticketKeys: TicketKeys, protocol: TlsListener['protocol'] = 'https'): Promise<Server> {
    const listen = { enabled: true, listen: [], ...this.certificate };
    const listener: TlsListener = { protocol, listen, ticketKeys };
    const server = createServer(tlsOptions(listener), (socket) => socket.end('x')).listen(0, '127.0.0.1');
    followFiles(listener, server, this.#log, everyMs);
    this.#context.after(() => server.close());
    await once(server, 'listening');
    return server;
  }

  /** Resolves with the next line that says this. */
  async logged(message: RegExp): Promise<Line> {
    for (;;) {
      const line = this.lines.findLast(({ msg }) => message.test(msg));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  #hear(text: string): void {
    this.lines.push(JSON.parse(text));
    this.#heard();
  }
}

interface Visit {
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

async function visit(server: Server, session?: Buffer, version: SecureVersion = 'TLSv1.3'): Promise<Visit> {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const options = { ...(session && { session }), minVersion: version, maxVersion: version };
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let given: Buffer | undefined;
  socket.on('session', (ticket) => {
    given = ticket;
  });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.resume();
  await once(socket, 'close');
  return { resumed, session: given };
}

async function isResumed(at: Server, session: Buffer | undefined, version?: SecureVersion): Promise<boolean> {
  assert.ok(session);
  return (await visit(at, session, version)).resumed;
}

describe('TLS session tickets', { skip: missing('openssl') }, () => {
  it('have keys of 48 bytes, others for each secret and day', () => {
    const all = [keysOfDay('one', 1), keysOfDay('two', 1), keysOfDay('one', 2)];
    assert.deepEqual(keysOfDay('one', 1), all[0]);
    assert.equal(new Set(all.map((keys) => keys.toString('hex'))).size, all.length);
    for (const keys of all) assert.equal(keys.length, 48);
  });

  for (const version of versions) {
    it(`of an edge count at another one with the same secret, and at no other: ${version}`, async (context) => {
      const scene = new Scene(context);
      const one = scene.file('one', `# ours\n\n${secret('a')}`);
      const first = await scene.server(scene.keys(one));
      const { session, resumed } = await visit(first, undefined, version);
      assert.equal(resumed, false);
      assert.equal(await isResumed(await scene.server(scene.keys(one)), session, version), true);
      assert.equal(
        await isResumed(await scene.server(scene.keys(scene.file('two', secret('b')))), session, version),
        false,
      );
      assert.equal(await isResumed(await scene.server(scene.keys('')), session, version), false);
      assert.equal(await isResumed(await scene.server(scene.keys(one), 'rtmps'), session, version), false);
    });

    it(`outlive a renewed certificate, with a secret of a file or of the process: ${version}`, async (context) => {
      const scene = new Scene(context);
      for (const file of [scene.file('one', secret('a')), '']) {
        const server = await scene.server(scene.keys(file));
        const { session } = await visit(server, undefined, version);
        scene.lines.length = 0;
        makeCertificate(scene.directory, 'renewed');
        await scene.logged(/^certificate renewed$/);
        assert.equal(await isResumed(server, session, version), true);
      }
    });
  }

  it('count for a day (UTC) at most, at all edges the same', async (context) => {
    const scene = new Scene(context);
    const file = scene.file('one', secret('a'));
    const edges = [await scene.server(scene.keys(file)), await scene.server(scene.keys(file))] as const;
    const { session } = await visit(edges[0]);
    scene.nowMs += dayMs - 1;
    assert.equal(await isResumed(edges[1], session), true);
    scene.nowMs += 1;
    for (const edge of edges) assert.equal(await isResumed(edge, session), false);
    const next = await visit(edges[0]);
    assert.equal(await isResumed(edges[1], next.session), true);
  });

  it('have other keys when the file changes, also after the certificate has', async (context) => {
    const scene = new Scene(context);
    const file = scene.file('one', secret('a'));
    const server = await scene.server(scene.keys(file));
    const { session } = await visit(server);
    scene.lines.length = 0;
    scene.file('one', secret('b'));
    await scene.logged(/^TLS ticket keys read$/);
    assert.equal(await isResumed(server, session), false);
    const other = await scene.server(scene.keys(scene.file('two', secret('b'))));
    const { session: theirs } = await visit(other);
    assert.equal(await isResumed(server, theirs), true);
    makeCertificate(scene.directory, 'renewed');
    await scene.logged(/^certificate renewed$/);
    assert.equal(await isResumed(server, theirs), true);
  });

  it('keep their keys while the file cannot be used, and say why', async (context) => {
    const scene = new Scene(context);
    const file = scene.file('one', secret('a'));
    const server = await scene.server(scene.keys(file));
    const { session } = await visit(server);
    const bad: [spoil: () => void, reason: RegExp][] = [
      [() => rmSync(file), /^ENOENT/],
      [() => scene.file('one', '# nothing\n'), /^it holds no secret$/],
      [() => scene.file('one', '\nshort\n'), /^the secret in line 2 has 5 characters: 32 are needed$/],
      [() => scene.file('one', `${secret('a')}${secret('b')}`), /^line 2 holds another secret: one is needed$/],
      [() => scene.file('one', secret('a').repeat(1_000)), /^it is larger than 16384 bytes$/],
    ];
    for (const [spoil, reason] of bad) {
      scene.lines.length = 0;
      spoil();
      const line = await scene.logged(/^TLS ticket keys cannot be read: those in use stay$/);
      assert.equal(line.level, 50);
      assert.match(line.reason ?? '', reason);
      assert.equal(await isResumed(server, session), true);
    }
  });

  it('begin with keys of the process where the file is missing, and get those of the file when it comes', async (context) => {
    const scene = new Scene(context);
    const server = await scene.server(scene.keys(scene.file('one')));
    const { session } = await visit(server);
    assert.equal(await isResumed(server, session), true);
    scene.file('one', secret('a'));
    await scene.logged(/^TLS ticket keys read$/);
    const other = await scene.server(scene.keys(scene.file('one')));
    assert.equal(await isResumed(other, (await visit(server)).session), true);
  });
});
