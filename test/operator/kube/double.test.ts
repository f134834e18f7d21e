/** The double does what the real API server does, as far as it does anything. */
import { testsOfTheApi } from '../../support/kube-api/contract.ts';
import { startKubeApi } from '../../support/kube-api/kube-api.ts';

testsOfTheApi(async () => {
  const kube = await startKubeApi({ namespaces: ['media'], absent: ['podmonitors'] });
  return { access: kube.config(), namespace: 'media', outage: kube, stop: () => kube.stop() };
});
