/**
 * The network of pods on this machine: a bridge, and for each pod a network namespace with an address of its own, in
 * which it listens wherever it likes. Needs to be root.
 */

import { spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { findProgram, missing } from '../programs.ts';

/** For `skip`: why there can be no pods here, or false when there can. */
export function cannotRunPods(): string | false {
  if (process.env.USE_EXISTING_CLUSTER === 'true') return 'pods of an existing cluster run on its own nodes';
  if (process.getuid?.() !== 0) return 'pods get network and mount namespaces, which takes root';
  return missing('ip', 'nsenter', 'unshare', 'setpriv');
}

const networks = new Set<PodNetwork>();
process.on('exit', () => {
  for (const network of networks) network.close();
});

export class PodNetwork {
  /** Of this machine on the bridge: pods reach here what listens on it. */
  readonly gateway: string;
  readonly #bridge = `ec${randomBytes(4).toString('hex')}`;
  readonly #prefix = `10.${randomInt(100, 228)}`;
  #pods = 1;

  constructor() {
    this.gateway = `${this.#prefix}.0.1`;
    ip([
      `link add ${this.#bridge} type bridge`,
      `addr add ${this.gateway}/16 dev ${this.#bridge}`,
      `link set ${this.#bridge} up`,
    ]);
    networks.add(this);
  }

  /** Connects the network namespace of a process; returns its address, which no other pod ever had. */
  attach(pid: number): string {
    const number = ++this.#pods;
    const address = `${this.#prefix}.${number >> 8}.${number & 255}`;
    const outside = `${this.#bridge}p${number}`;
    ip([`link add ${outside} type veth peer name eth0 netns ${pid}`, `link set ${outside} master ${this.#bridge} up`]);
    const inside = [
      'link set lo up',
      `addr add ${address}/16 dev eth0`,
      'link set eth0 up',
      `route add default via ${this.gateway}`,
    ];
    ip(inside, ['nsenter', '--target', String(pid), '--net']);
    return address;
  }

  close(): void {
    if (!networks.delete(this)) return;
    ip([`link del ${this.#bridge}`]);
  }
}

function ip(commands: readonly string[], within: readonly string[] = []): void {
  const [program = '', ...args] = [...within, findProgram('ip') ?? 'ip', '-batch', '-'];
  const { status, stderr, error } = spawnSync(program, args, { input: commands.map((line) => `${line}\n`).join('') });
  if (status !== 0) throw new Error(`ip ${commands.join('; ')}: ${error?.message ?? stderr.toString()}`);
}
