/** Rows of crds/TROUBLESHOOTING.md with a remedy of their own that is not tried in this folder. */

import type { Row } from './remedy.ts';

/** Their condition goes by the row's remedy in another test: its path in test/. */
export const shownElsewhere: Readonly<Record<Row, string>> = {
  'Degraded DefinitionOutdated': 'kube/other-crd.test.ts',
  'Degraded FieldsUnknown': 'kube/other-crd.test.ts',
  'Degraded ConfigHalted': 'kube/rollouts.test.ts',
  'Progressing UpgradeWaits': 'operator/reconcile/rollout/turns.test.ts',
  'Progressing UpgradeHalted': 'operator/reconcile/rollout/turns.test.ts',
};

const passes = 'it passes by itself: edges of all tests that start, roll or drain go through it';
const takesTime = 'it comes and goes in minutes: test/operator/reconcile/scaling/decide.test.ts has it, with a clock';

/** No test tries their remedy, and why. */
export const notTried: Readonly<Record<Row, string>> = {
  'Ready RollingOut': passes,
  'Available SomeEdgesReady': passes,
  'Progressing RollingOut': passes,
  'Progressing ScalingUp': passes,
  'Progressing ApplyingConfig': passes,
  'Progressing Draining': passes,
  'OriginsReachable NotTried': passes,
  'ConfigValid Valid': 'nothing is wrong',
  'HlsReady CachesNotReady': 'it needs caches that run, in an image with nginx',
  'HlsReady OriginsNotFound': 'it needs caches that run, in an image with nginx',
  'Degraded EdgeConfigRefused': 'no edge of the same release refuses what the operator has found valid',
  'Degraded CredentialRefused':
    'it needs a kubelet that is late; test/kube/cluster.test.ts has the change that no edge notices',
  'Degraded EdgesSilent': 'it needs a network that keeps network policies',
  'Degraded Contested': 'it goes ten minutes after the last change that somebody else makes',
  'Scaling MetricMissing': 'it needs metrics-server, and comes after three minutes without',
  'Scaling LimitReached': takesTime,
  'Scaling Flapping': takesTime,
  'Scaling ScaleRefused':
    'rights that come are noticed a minute later: test/operator/reconcile/scaling.test.ts has the refusal',
};
