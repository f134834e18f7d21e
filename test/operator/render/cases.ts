/** EdgeClusters as people write them: golden/NAME.yaml, and beside it golden/NAME.rendered.yaml with what becomes of it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { admitText } from '../../../operator/api/admission.ts';
import type { EdgeCluster } from '../../../operator/api/types.ts';
import type { RenderInput } from '../../../operator/render/render.ts';
import { edgeCluster, type Wish } from '../../support/edge-clusters.ts';

export const directory = join(import.meta.dirname, 'golden');

const exampleDirectory = join(import.meta.dirname, '../../../crds/examples');

/** The examples for users, an entry for each EdgeCluster in them. */
export const examples: readonly { readonly name: string; readonly cluster: EdgeCluster }[] = readdirSync(
  exampleDirectory,
).flatMap((file) =>
  admitText(readFileSync(join(exampleDirectory, file), 'utf8'), file).map((admission) => {
    if (!admission.ok) throw new Error(admission.errors.join('\n'));
    return { name: `${file}-${admission.cluster.metadata.name}`, cluster: admission.cluster };
  }),
);

export interface Case {
  readonly name: string;
  readonly cluster: EdgeCluster;
  readonly renderedFile: string;
}

export const cases: readonly Case[] = readdirSync(directory)
  .filter((file) => !file.endsWith('.rendered.yaml'))
  .map((file) => {
    const manifest = parse(readFileSync(join(directory, file), 'utf8')) as Wish;
    const renderedFile = join(directory, file.replace(/\.yaml$/, '.rendered.yaml'));
    return { name: file.replace(/\.yaml$/, ''), cluster: edgeCluster(manifest), renderedFile };
  });

export function caseOf(name: string): Case {
  return cases.find((one) => one.name === name)!;
}

/** Everything to render `cluster`; a Service has two endpoints. */
export function inputOf(cluster: EdgeCluster): RenderInput {
  const origins = new Map(
    cluster.spec.origins.map(({ name, servers }) => [name, servers ?? ['10.1.0.1:1935', '10.1.0.2:1935']]),
  );
  const lookups = new Map(
    cluster.spec.origins.flatMap(({ name, service }) =>
      service === undefined ? [] : [[name, [`${service.name}.${service.namespace ?? 'media'}.svc:1935`]] as const],
    ),
  );
  const httpOrigins = new Map(
    cluster.spec.origins.map(({ name, servers, http }) => [
      name,
      (servers ?? ['10.1.0.1', '10.1.0.2']).map((server) => `${server.replace(/:.*/, '')}:${portNumber(http?.port)}`),
    ]),
  );
  const masterKeys = { current: Buffer.alloc(32, 1).toString('base64'), former: undefined };
  const edgeImage = 'registry.example.com/edgecluster:0.1.0';
  return { cluster, origins, lookups, httpOrigins, settings: { edgeImage, podMonitors: true, masterKeys } };
}

/** Of a port with a name another one for another name. */
function portNumber(port: number | string = 8080): number {
  return typeof port === 'number' ? port : 8000 + port.length;
}
