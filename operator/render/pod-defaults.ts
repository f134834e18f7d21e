/** What all pods that we render have in common: they may do nothing but serve. */
import type { V1PodSecurityContext, V1SecurityContext } from '@kubernetes/client-node';

/** The user of distroless images; nobody's on any node. */
const userId = 65_532;

/** Modes of files as Kubernetes writes them: 0644, and 0440 for keys, which the pod's group may read. */
export const configMode = 0o644;
export const keyMode = 0o440;

export const podSecurity: V1PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: userId,
  runAsGroup: userId,
  fsGroup: userId,
  seccompProfile: { type: 'RuntimeDefault' },
};

export const containerSecurity: V1SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
