/** The rights that `kubectl edge` needs, as a Role to apply. */
export const rights = `# What "kubectl edge" needs in a namespace. Kubernetes' own roles edit and admin include it.
# Whoever has it can read every Secret of the namespace, and reach every port of every pod in it.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: kubectl-edge
rules:
  # Which edges there are, and the one to drain.
  - apiGroups: [""]
    resources: [pods]
    verbs: [get, list]
  # Which tier is above which, for top.
  - apiGroups: [edgecluster.io]
    resources: [edgeclusters]
    verbs: [list]
  # The credential of the edges' API. To give less, list NAME-api-credentials of your EdgeClusters under resourceNames.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get]
  # top, streams and clients read (get); kick disconnects (delete).
  - apiGroups: [""]
    resources: [pods/proxy]
    verbs: [get, delete]
  # drain, which a PodDisruptionBudget may refuse.
  - apiGroups: [""]
    resources: [pods/eviction]
    verbs: [create]
`;
