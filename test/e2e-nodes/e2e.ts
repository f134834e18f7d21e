/**
 * `make e2e`: brings up a cluster of real nodes and runs scenarios in it.
 *
 *     node test/e2e-nodes/e2e.ts                     the short set
 *     node test/e2e-nodes/e2e.ts --full              all of them
 *     node test/e2e-nodes/e2e.ts origins roll        these; in the cluster that is kept, if there is one
 *     node test/e2e-nodes/e2e.ts --keep …            the cluster stays until Ctrl-C
 *     node test/e2e-nodes/e2e.ts --enter COMMAND…    runs a command in the cluster that is kept, such as kubectl
 *
 * Exit codes: 0 passed, or skipped where there can be no nodes; 1 failed; 130 ended before.
 */

import { dirname, join } from 'node:path';
import { prepareTools } from '../bench/load.ts';
import { clients, kubernetesTools, servers } from '../support/kubernetes-tools.ts';
import { nodeBinaries } from '../support/nodes/binaries.ts';
import { adminKubeconfig } from '../support/nodes/control-plane.ts';
import { cannotEnclose, enclose, enter, runningEnclosure } from '../support/nodes/enclosure.ts';
import { imageArchives } from '../support/nodes/images.ts';
import { scenarioFiles } from './scenarios.ts';

const inside = join(import.meta.dirname, 'inside.ts');

async function main(args: readonly string[]): Promise<number> {
  const why = cannotEnclose();
  if (why !== undefined) {
    console.error(`\n=== make e2e is SKIPPED, nothing was tested: ${why} ===\n`);
    return 0;
  }
  const tools = await kubernetesTools([...servers, ...clients]);
  const env = { ...process.env, ...environment(dirname(tools.kubectl)) };
  if (args[0] === '--enter') {
    const code = enter(args.slice(1), env);
    if (code === undefined) console.error('no cluster is kept: make e2e KEEP=1');
    return code ?? 1;
  }
  const files = scenarioFiles(
    args.filter((arg) => !arg.startsWith('--')),
    args.includes('--full'),
  );
  const run = [process.execPath, inside] as const;
  if (runningEnclosure() !== undefined) return enter([...run, '--open', ...files], env) ?? 1;
  const binaries = await nodeBinaries();
  await prepareTools();
  const archives = imageArchives(binaries);
  const keep = args.includes('--keep') ? ['--keep'] : [];
  return enclose([...run, ...keep, ...files], { tools, binaries, archives }, env);
}

/** What kubectl, helm and test/support/kubernetes.ts need to find the cluster. */
function environment(tools: string): NodeJS.ProcessEnv {
  return {
    PATH: `${tools}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    KUBECONFIG: adminKubeconfig,
    USE_EXISTING_CLUSTER: 'true',
  };
}

process.exitCode = await main(process.argv.slice(2));
