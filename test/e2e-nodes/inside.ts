/**
 * What runs in the enclosure: the cluster comes up, then scenario after scenario in it, each a process of its own.
 *
 *     inside.ts [--keep] FILE…    brings the cluster up first
 *     inside.ts --open FILE…      it is there already
 */

import { spawnSync } from 'node:child_process';
import { NodeCluster } from '../support/nodes/cluster.ts';
import { printTable } from './table.ts';

async function main(args: readonly string[]): Promise<number> {
  const files = args.filter((arg) => !arg.startsWith('--'));
  if (!args.includes('--open')) {
    const began = Date.now();
    await new NodeCluster().bringUp();
    console.log(`two nodes are ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  const began = Date.now();
  // A whole file's; the ramp takes more than ten minutes.
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=1200000', '--test-reporter=spec'];
  const status =
    files.length === 0 ? 0 : spawnSync(process.execPath, [...flags, ...files], { stdio: 'inherit' }).status;
  printTable(began);
  if (args.includes('--keep')) {
    console.log('The cluster is kept until Ctrl-C. From another terminal, in this folder:');
    console.log('  make e2e SCENARIO=NAME                               one scenario');
    console.log('  node test/e2e-nodes/e2e.ts --enter kubectl get pods -A');
    await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
  }
  return status ?? 1;
}

process.exitCode = await main(process.argv.slice(2));
