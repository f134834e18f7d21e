/** A pod on this machine: its network, volumes and containers, and its status in the API. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Container, V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';
import { type KubeClient, KubeFailure } from '../kubernetes-client.ts';
import { Container } from './container.ts';
import { environmentOf, type Variables } from './environment.ts';
import type { PodNetwork } from './network.ts';
import { type Mount, sandboxCommand } from './sandbox.ts';
import { Volume } from './volumes.ts';

export interface PodHost {
  readonly client: KubeClient;
  readonly network: PodNetwork;
  /** Directory of this pod alone. */
  readonly directory: string;
  /** Files of this machine by where every container has them. */
  readonly files: Readonly<Record<string, string>>;
  /** Of every container. */
  readonly variables: Variables;
  /** How often volumes are looked at where nothing says that they changed. */
  readonly refreshMs: number;
}

const retryMs = 200;

export class RunningPod {
  readonly containers: readonly Container[];
  readonly address: string;
  readonly #host: PodHost;
  readonly #volumes: ReadonlyMap<string, Volume>;
  /** Holds the network namespace, as the pause container does. */
  readonly #pause: ChildProcess;
  readonly #refresh: NodeJS.Timeout;
  readonly #conditions = new Map<string, V1PodCondition>();
  #pod: V1Pod;
  #reported = '';
  #reporting = Promise.resolve();
  #terminating: Promise<void> | undefined;
  #gone = false;

  private constructor(pod: V1Pod, host: PodHost, pause: ChildProcess, address: string) {
    this.#pod = pod;
    this.#host = host;
    this.#pause = pause;
    this.address = address;
    const volumes = pod.spec?.volumes ?? [];
    this.#volumes = new Map(
      volumes.map((volume) => [
        volume.name,
        new Volume(host.client, volume, join(host.directory, 'volumes', volume.name)),
      ]),
    );
    this.containers = (pod.spec?.containers ?? []).map(
      (container) =>
        new Container({
          container,
          address,
          command: () => this.#prepare(container),
          changed: () => this.#report(),
        }),
    );
    this.#refresh = setInterval(() => void this.#refreshVolumes(), host.refreshMs);
    this.#report();
    for (const container of this.containers) void container.run();
  }

  static async start(pod: V1Pod, host: PodHost): Promise<RunningPod> {
    if ((pod.spec?.initContainers ?? []).length > 0) throw new Error('this kubelet runs no init containers');
    mkdirSync(host.directory, { recursive: true });
    const holder = ['--pdeathsig', 'KILL', 'unshare', '--net', 'sh', '-c', 'echo; exec sleep infinity'];
    const pause = spawn('setpriv', holder, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(pause.stdout, 'data');
    const pid = pause.pid ?? 0;
    const address = host.network.attach(pid);
    for (const { name, value } of pod.spec?.securityContext?.sysctls ?? []) {
      const write = `echo '${value}' > /proc/sys/${name.replaceAll('.', '/')}`;
      spawnSync('nsenter', ['--target', String(pid), '--net', 'sh', '-c', write], { stdio: 'inherit' });
    }
    return new RunningPod(pod, host, pause, address);
  }

  get name(): string {
    return this.#pod.metadata?.name ?? '';
  }

  get namespace(): string {
    return this.#pod.metadata?.namespace ?? '';
  }

  /** As the API last had it. */
  get object(): V1Pod {
    return this.#pod;
  }

  /** The process of its first container. */
  get pid(): number | undefined {
    return this.containers[0]?.pid;
  }

  /** What its first container wrote. */
  get lines(): readonly string[] {
    return this.containers[0]?.lines ?? [];
  }

  /** Resolves with the first line of its first container, from the `since`th on, that a pattern is in. */
  async logged(pattern: RegExp, since = 0): Promise<string> {
    const [container] = this.containers;
    if (container === undefined) throw new Error(`pod ${this.name} has no container`);
    return container.logged(pattern, since);
  }

  /** The API has another version of it. */
  update(pod: V1Pod): void {
    const earlier = this.#pod.metadata;
    this.#pod = pod;
    // As kubelets do: a pod that changed is looked at at once, with all its volumes.
    const touched = JSON.stringify(earlier?.annotations) !== JSON.stringify(pod.metadata?.annotations);
    if (touched) void this.#refreshVolumes();
    if (pod.metadata?.deletionTimestamp === undefined) return;
    this.#terminating ??= this.#terminate((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
  }

  /** Ends it without ceremony: the API knows it no more, or the kubelet stops. */
  async discard(): Promise<void> {
    this.#gone = true;
    clearInterval(this.#refresh);
    await Promise.all(this.containers.map((container) => container.stop(0)));
    if (this.#pause.exitCode === null && this.#pause.signalCode === null) {
      const exited = once(this.#pause, 'exit');
      this.#pause.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#host.directory, { recursive: true, force: true });
  }

  async #terminate(graceMs: number): Promise<void> {
    await Promise.all(this.containers.map((container) => container.stop(graceMs)));
    this.#report();
    await this.#reporting;
    const { uid } = this.#pod.metadata ?? {};
    await this.#untilDone(() =>
      this.#host.client.delete(this.#path, { gracePeriodSeconds: 0, preconditions: { uid } }),
    );
  }

  /** Waits for its volumes, then says how its process is started. */
  async #prepare(container: V1Container): Promise<readonly [string, ...string[]]> {
    const { client, directory, files } = this.#host;
    // What it asks for by reference has its address by now.
    const pod: V1Pod = { ...this.#pod, status: { ...this.#pod.status, podIP: this.address } };
    for (;;) {
      try {
        await this.#refreshVolumes(true);
        const base = { ...this.#host.variables, HOSTNAME: this.name };
        const variables = await environmentOf(client, pod, container, base);
        const fixed = Object.entries(files).map(([target, source]) => ({ source, target, readOnly: true }));
        const mounts = (container.volumeMounts ?? []).map((mount): Mount => {
          const volume = this.#volumes.get(mount.name);
          if (volume === undefined) throw new Error(`no volume ${mount.name}`);
          const source = join(volume.directory, mount.subPath ?? '');
          return { source, target: mount.mountPath, readOnly: mount.readOnly === true };
        });
        const root = join(directory, 'containers', container.name);
        mkdirSync(root, { recursive: true });
        return sandboxCommand({
          pod,
          container,
          networkOf: this.#pause.pid ?? 0,
          directory: root,
          mounts: [...fixed, ...mounts],
          variables,
        });
      } catch (error) {
        // The API server is away, or something isn't there yet.
        if (this.#gone || this.#terminating !== undefined) throw error;
        await delay(retryMs);
      }
    }
  }

  async #refreshVolumes(strict = false): Promise<void> {
    for (const volume of this.#volumes.values()) {
      try {
        await volume.refresh(this.#pod);
      } catch (error) {
        // A running container keeps what it has.
        if (strict) throw error;
      }
    }
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.namespace}/pods/${this.name}`;
  }

  /** Tells the API what is new, one report after the other. */
  #report(): void {
    this.#reporting = this.#reporting.then(async () => {
      const status = this.#status();
      const text = JSON.stringify(status);
      if (text === this.#reported || this.#gone) return;
      await this.#untilDone(() => this.#host.client.patch(`${this.#path}/status`, { status }));
      this.#reported = text;
    });
  }

  /** Again and again while the API server is away. */
  async #untilDone(call: () => Promise<unknown>): Promise<void> {
    while (!this.#gone) {
      try {
        await call();
        return;
      } catch (error) {
        // It is gone, or another has its name.
        if (error instanceof KubeFailure && (error.status === 404 || error.status === 409)) return;
        await delay(retryMs);
      }
    }
  }

  #status(): V1PodStatus {
    const { gateway } = this.#host.network;
    const containerStatuses = this.containers.map((container) => container.status());
    const ready = this.containers.every((container) => container.ready);
    const running = containerStatuses.some(({ state }) => state?.running !== undefined);
    this.#condition('PodScheduled', true);
    this.#condition('Initialized', true);
    this.#condition('ContainersReady', ready);
    this.#condition('Ready', ready);
    const ended = this.#terminating !== undefined && !running;
    return {
      phase: ended ? 'Succeeded' : running || this.#reported.includes('"Running"') ? 'Running' : 'Pending',
      hostIP: gateway,
      hostIPs: [{ ip: gateway }],
      podIP: this.address,
      podIPs: [{ ip: this.address }],
      startTime: this.#pod.status?.startTime ?? new Date(),
      conditions: [...this.#conditions.values()],
      containerStatuses,
    };
  }

  #condition(type: string, holds: boolean): void {
    const status = holds ? 'True' : 'False';
    if (this.#conditions.get(type)?.status === status) return;
    this.#conditions.set(type, { type, status, lastTransitionTime: new Date() });
  }
}
