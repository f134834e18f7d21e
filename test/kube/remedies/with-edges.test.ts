/** Remedies of crds/TROUBLESHOOTING.md whose conditions come of edges that run, with real edges. */

import { before, describe, it } from 'node:test';
import { Kubernetes } from '../../support/kubernetes.ts';
import { KubeClient } from '../../support/kubernetes-client.ts';
import { OperatorInProcess } from '../../support/operator-in-process.ts';
import { ProcessKubelet } from '../../support/process-kubelet/kubelet.ts';
import { cannotRunPods, PodNetwork } from '../../support/process-kubelet/network.ts';
import { suiteCleaner } from '../../support/programs.ts';
import { ofEdges } from './of-edges.ts';
import { Place, tryOut } from './remedy.ts';

describe('a remedy, with edges that run', { skip: cannotRunPods() }, () => {
  const cleaner = suiteCleaner();
  let kubernetes: Kubernetes;
  let client: KubeClient;

  before(async () => {
    const network = new PodNetwork();
    cleaner.after(() => network.close());
    kubernetes = await Kubernetes.start({ address: network.gateway });
    cleaner.after(() => kubernetes.stop());
    await kubernetes.installDefinitions();
    const kubelet = await ProcessKubelet.start(kubernetes, network);
    cleaner.after(() => kubelet.stop());
    client = new KubeClient(kubernetes.config());
    cleaner.after(() => client.close());
    await kubernetes.kubectl(['create', 'namespace', 'media']);
    const namespace = await kubernetes.createNamespace('operator');
    const operator = new OperatorInProcess(kubernetes, { namespace, options: { namespaces: [] } });
    cleaner.after(() => operator.stop());
  });

  // Edges that start take all of a small machine.
  for (const remedy of ofEdges)
    it(remedy.name, async () => {
      const place = await Place.open(kubernetes, client);
      await tryOut(remedy, place);
      await place.kubectl('delete', 'ec', '--all', '--wait=false');
    });
});
