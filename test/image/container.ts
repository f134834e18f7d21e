/**
 * Runs an image as a kubelet would run a pod of ours: the image's own entrypoint and user, a read-only root, no
 * capabilities, process 1 of its own. The network is this machine's. By runc, on a mount of buildah's.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { output } from './run.ts';

/** What an image says of how it is run (OCI image specification). */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface MountedImage {
  readonly config: ImageConfig;
  readonly architecture: string;
  readonly sizeBytes: number;
  /** Where its files are. */
  readonly root: string;
  unmount(): void;
}

export function mountImage(image: string): MountedImage {
  const { OCIv1 } = JSON.parse(output('buildah', ['inspect', '--type', 'image', image])) as {
    OCIv1: { readonly architecture: string; readonly config: ImageConfig };
  };
  const container = output('buildah', ['from', '--pull-never', image]).trim();
  const root = output('buildah', ['mount', container]).trim();
  return {
    config: OCIv1.config,
    architecture: OCIv1.architecture,
    sizeBytes: 1024 * Number.parseInt(output('du', ['-sk', root]), 10),
    root,
    unmount: () => void output('buildah', ['rm', container]),
  };
}

export interface ContainerOptions {
  /** Instead of the image's entrypoint. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** Files at `/etc/edge/`, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export class Container {
  readonly #id: string;
  readonly #bundle: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #said: () => void = () => {};
  stderr = '';

  private constructor(bundle: string) {
    this.#bundle = bundle;
    this.#id = basename(bundle);
    this.#child = spawn('runc', ['--root', `${bundle}/state`, 'run', '--bundle', bundle, this.#id], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(line);
      this.#said();
    });
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.#child.once('exit', () => this.#said());
  }

  /** Starts it; it is killed and removed with the test. */
  static start(t: TestContext, image: MountedImage, options: ContainerOptions = {}): Container {
    const bundle = mkdtempSync(join(tmpdir(), 'edgecluster-image-'));
    const mounted = join(bundle, 'etc-edge');
    mkdirSync(mounted);
    for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(mounted, name), text);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(runtimeConfig(image, options, mounted)));
    const container = new Container(bundle);
    t.after(() => container.#remove());
    return container;
  }

  /** All it has said on standard output. */
  get stdout(): string {
    return this.#lines.join('\n');
  }

  /** The first line that satisfies `wanted`, already said or still to come. */
  async said(wanted: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = this.#lines.find(wanted);
      if (line !== undefined) return line;
      if (this.#child.exitCode !== null) throw new Error(`the container has ended: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#said = resolve;
      });
    }
  }

  /** To process 1, as a kubelet does. */
  signal(name: string): void {
    output('runc', ['--root', `${this.#bundle}/state`, 'kill', this.#id, name]);
  }

  async exit(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  async #remove(): Promise<void> {
    if (this.#child.exitCode === null) {
      this.signal('KILL');
      await this.exit();
    }
    rmSync(this.#bundle, { recursive: true });
  }
}

/** OCI runtime specification: the least that a program of ours may need. */
function runtimeConfig({ config, root }: MountedImage, options: ContainerOptions, mounted: string): object {
  const [uid, gid] = config.User.split(':').map(Number);
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      cwd: config.WorkingDir,
      env: config.Env,
      args: [...(options.command ?? config.Entrypoint), ...(options.args ?? [])],
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      { destination: '/etc/edge', type: 'bind', source: mounted, options: ['rbind', 'ro'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  };
}
