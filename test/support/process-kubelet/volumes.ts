/**
 * Volumes as directories of this machine, written as kubelets write them: files are links into `..data`, a link that
 * is exchanged in one step when anything changes.
 */

import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  AuthenticationV1TokenRequest,
  V1ConfigMap,
  V1KeyToPath,
  V1Pod,
  V1Secret,
  V1Volume,
} from '@kubernetes/client-node';
import type { KubeClient } from '../kubernetes-client.ts';
import { podField } from './environment.ts';

/** By path within the volume. */
type Files = Map<string, Buffer>;

const tokenSeconds = 3600;

export class Volume {
  readonly directory: string;
  readonly #client: KubeClient;
  readonly #volume: V1Volume;
  #written = '';
  #version = 0;
  #token: Buffer | undefined;

  constructor(client: KubeClient, volume: V1Volume, directory: string) {
    this.#client = client;
    this.#volume = volume;
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    if (volume.emptyDir !== undefined) chmodSync(directory, 0o777);
  }

  /** Brings it up to date; throws while something it needs is missing. */
  async refresh(pod: V1Pod): Promise<void> {
    if (this.#volume.emptyDir !== undefined) return;
    const files = await this.#read(pod);
    const text = JSON.stringify([...files].map(([path, bytes]) => [path, bytes.toString('base64')]));
    if (text === this.#written) return;
    this.#write(files, pod);
    this.#written = text;
  }

  async #read(pod: V1Pod): Promise<Files> {
    const { configMap, secret, downwardAPI, projected } = this.#volume;
    const files: Files = new Map();
    const sources = projected?.sources ?? [
      {
        ...(configMap && { configMap }),
        ...(secret && { secret: { ...secret, ...(secret.secretName && { name: secret.secretName }) } }),
        ...(downwardAPI && { downwardAPI }),
      },
    ];
    for (const source of sources) {
      const namespace = `/api/v1/namespaces/${pod.metadata?.namespace}`;
      if (source.configMap !== undefined) {
        const { name, items, optional } = source.configMap;
        const found = await this.#client.find<V1ConfigMap>(`${namespace}/configmaps/${name}`);
        if (found === undefined && optional !== true) throw new Error(`configmap "${name}" not found`);
        pick(files, { ...decoded(found?.binaryData), ...encoded(found?.data) }, items, optional);
      } else if (source.secret !== undefined) {
        const { name, items, optional } = source.secret;
        const found = await this.#client.find<V1Secret>(`${namespace}/secrets/${name}`);
        if (found === undefined && optional !== true) throw new Error(`secret "${name}" not found`);
        pick(files, decoded(found?.data), items, optional);
      } else if (source.downwardAPI !== undefined) {
        for (const { path, fieldRef } of source.downwardAPI.items ?? []) {
          files.set(path, Buffer.from(podField(pod, fieldRef?.fieldPath ?? '')));
        }
      } else if ('serviceAccountToken' in source && source.serviceAccountToken !== undefined) {
        files.set(source.serviceAccountToken.path, await this.#accountToken(pod));
      } else throw new Error(`this kubelet knows no volume such as ${this.#volume.name}`);
    }
    return files;
  }

  /** Good for an hour: longer than any test. */
  async #accountToken(pod: V1Pod): Promise<Buffer> {
    if (this.#token === undefined) {
      const account = `/api/v1/namespaces/${pod.metadata?.namespace}/serviceaccounts/${pod.spec?.serviceAccountName}`;
      const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name, uid: pod.metadata?.uid };
      const answer = await this.#client.post<AuthenticationV1TokenRequest>(`${account}/token`, {
        spec: { audiences: [], expirationSeconds: tokenSeconds, boundObjectRef },
      });
      this.#token = Buffer.from(answer.status?.token ?? '');
    }
    return this.#token;
  }

  #write(files: Files, pod: V1Pod): void {
    const { configMap, secret, projected } = this.#volume;
    const mode = configMap?.defaultMode ?? secret?.defaultMode ?? projected?.defaultMode ?? 0o644;
    const group = pod.spec?.securityContext?.fsGroup;
    const data = `..${++this.#version}`;
    const root = join(this.directory, data);
    mkdirSync(root);
    for (const [path, bytes] of files) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
      // A group that is set may always read.
      chmodSync(file, group === undefined ? mode : mode | 0o440);
      if (group !== undefined) chownSync(file, 0, group);
    }
    const link = join(this.directory, '..data');
    const earlier = linkTarget(link);
    symlinkSync(data, `${link}_tmp`);
    renameSync(`${link}_tmp`, link);
    const names = new Set([...files.keys()].map((path) => path.split('/')[0] ?? path));
    for (const name of readdirSync(this.directory)) {
      if (!name.startsWith('..') && !names.has(name)) rmSync(join(this.directory, name));
    }
    for (const name of names) {
      if (linkTarget(join(this.directory, name)) === undefined)
        symlinkSync(`..data/${name}`, join(this.directory, name));
    }
    if (earlier !== undefined) rmSync(join(this.directory, earlier), { recursive: true, force: true });
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function pick(
  files: Files,
  data: Readonly<Record<string, Buffer>>,
  items: readonly V1KeyToPath[] | undefined,
  optional: boolean | undefined,
): void {
  if (items === undefined) {
    for (const [key, bytes] of Object.entries(data)) files.set(key, bytes);
    return;
  }
  for (const { key, path } of items) {
    const bytes = data[key];
    if (bytes !== undefined) files.set(path, bytes);
    else if (optional !== true) throw new Error(`references non-existent key: ${key}`);
  }
}

function encoded(data: Readonly<Record<string, string>> = {}): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)]));
}

function decoded(data: Readonly<Record<string, string>> = {}): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}
