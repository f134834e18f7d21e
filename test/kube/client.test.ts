/** The client on a real API server: the tests that its double passes, too. */
import { kubeConfigAccess } from '../../operator/kube/access.ts';
import { testsOfTheApi } from '../support/kube-api/contract.ts';
import { Kubernetes } from '../support/kubernetes.ts';

testsOfTheApi(async () => {
  const kubernetes = await Kubernetes.start();
  const namespace = await kubernetes.createNamespace('client');
  return { access: kubeConfigAccess(kubernetes.config()), namespace, stop: () => kubernetes.stop() };
});
