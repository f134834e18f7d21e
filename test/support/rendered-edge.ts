/** An edge as a process of this machine that runs just what the operator renders for its pod, without a kubelet. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { V1ConfigMap, V1Deployment, V1Secret } from '@kubernetes/client-node';
import { API_CREDENTIALS_DIRECTORY, API_CREDENTIALS_KEY, CONFIG_KEY } from '../../operator/api/labels.ts';
import type { MasterKeys } from '../../operator/render/credential.ts';
import { tlsDirectory } from '../../operator/render/edge-config.ts';
import type { OwnedObject } from '../../operator/render/metadata.ts';
import { render } from '../../operator/render/render.ts';
import { makeCertificate } from './certificate.ts';
import { edgeCluster } from './edge-clusters.ts';
import { EdgeProcess } from './edge-process.ts';
import { freePort } from './programs.ts';

export type PortName = 'rtmp' | 'rtmps' | 'http' | 'https' | 'api' | 'exporter';

export interface RenderedEdge {
  readonly process: EdgeProcess;
  /** Those of the container, by their names. */
  readonly ports: ReadonlyMap<string, number>;
  /** The file of the mounted Secret. */
  readonly credentialsFile: string;
}

export interface RenderedEdgeOptions {
  /** `host:port` each. */
  readonly origins: readonly string[];
  readonly masterKeys: MasterKeys;
  readonly hostNetwork?: boolean;
  readonly page?: boolean;
}

/** It has all listeners there are, and ends with the test. */
export async function startRenderedEdge(t: TestContext, options: RenderedEdgeOptions): Promise<RenderedEdge> {
  const { origins, masterKeys, hostNetwork = false, page } = options;
  const directory = mkdtempSync(join(tmpdir(), 'rendered-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const secret = { secretName: 'certificate' };
  const port = async () => ({ port: await freePort() });
  const cluster = edgeCluster({
    spec: {
      origins: [{ name: 'main', servers: origins }],
      listeners: {
        rtmp: await port(),
        rtmps: { ...(await port()), ...secret },
        http: { ...(await port()), ...(page !== undefined && { page }) },
        https: { ...(await port()), ...secret },
        api: await port(),
        exporter: await port(),
      },
      pods: { hostNetwork, drainSeconds: 0 },
    },
  });
  const settings = { edgeImage: 'edge:1', podMonitors: false, masterKeys };
  const { objects } = render({ cluster, origins: new Map([['main', origins]]), settings });
  const deployment = find<V1Deployment>(objects, 'Deployment');
  const container = deployment.spec?.template.spec?.containers[0];
  const config = find<V1ConfigMap>(objects, 'ConfigMap').data?.[CONFIG_KEY] ?? '';
  const credentials = find<V1Secret>(objects, 'Secret').data?.[API_CREDENTIALS_KEY] ?? '';

  // Mounted elsewhere: what is in the files stays as it is.
  makeCertificate(directory, 'localhost');
  const secrets = join(directory, 'api');
  mkdirSync(secrets);
  const credentialsFile = join(secrets, API_CREDENTIALS_KEY);
  writeFileSync(credentialsFile, Buffer.from(credentials, 'base64'));
  const here = (text: string): string =>
    [tlsDirectory('rtmps'), tlsDirectory('https')].reduce(
      (moved, from) => moved.replaceAll(from, directory),
      text.replaceAll(API_CREDENTIALS_DIRECTORY, secrets),
    );
  const environment = Object.fromEntries(
    (container?.env ?? []).map(({ name, value = 'live-1' }) => [name, here(value)]),
  );
  const process = await EdgeProcess.start(here(config), { environment });
  t.after(() => process.kill());
  const ports = new Map((container?.ports ?? []).map(({ name = '', containerPort }) => [name, containerPort]));
  return { process, ports, credentialsFile };
}

function find<T>(objects: readonly OwnedObject[], kind: string): T {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} was rendered`);
  return found as T;
}
