/** How many processes nginx runs: it would count the CPUs of the node, of which a container may have few. */
import type { V1ResourceRequirements } from '@kubernetes/client-node';

/** Where nothing is limited nor requested. */
const usually = 2;

const most = 64;

export function workersOf({ limits, requests }: V1ResourceRequirements): number {
  const cpu = limits?.cpu ?? requests?.cpu;
  if (cpu === undefined) return usually;
  const match = /^([0-9]*\.?[0-9]+)(m?)$/.exec(String(cpu));
  const cores = match === null ? usually : Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
  return Math.min(most, Math.max(1, Math.ceil(cores)));
}
