{{/*
What the operator may do where its EdgeClusters are: a ClusterRole's rules, or a Role's in each watched namespace.
*/}}
{{- define "edgecluster.rules" -}}
# What is wanted. list, watch: the operator works from a cache, which a list fills and a watch keeps.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters]
  verbs: [list, watch]
# What is found. patch: status is applied (server-side apply is a patch).
- apiGroups: [edgecluster.io]
  resources: [edgeclusters/status]
  verbs: [patch]
# patch: the number of edges, where it follows the clients, is written as an autoscaler does.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters/scale]
  verbs: [patch]
# update: asked for by clusters with OwnerReferencesPermissionEnforcement, as owner references block deletion.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters/finalizers]
  verbs: [update]
# edge.conf; the Service for clients, the headless one for edges, and Services that are origins; accounts of edges.
# list, watch: the cache; what was changed or deleted is put back. create, patch: apply, which is a create where there
# is nothing yet. get: whose it is, if the name is taken. delete: what an EdgeCluster no longer asks for.
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# The edges. Verbs as before; patch also scales.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# The spec in force, from which an operator that starts again goes on. Verbs as before.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
# Autoscaling. Verbs as before.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
# Limits to voluntary disruption. Verbs as before.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# Who may reach edges. Verbs as before.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# Scraping of edges, where the Prometheus operator is. Verbs as before.
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
# list, watch: which edges are there, and where their API is. patch: pod-deletion-cost and marks for autoscalers of
# nodes by players, and the configuration's hash, at which a kubelet brings the new ConfigMap at once.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
# list, watch: the addresses of origins that are named by a Service.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# The credential of each EdgeCluster's API. Its Secret is named after the EdgeCluster, so no rule can name it. create,
# patch: apply. get: whose it is, if the name is taken. delete: what an EdgeCluster no longer asks for. The operator
# writes to no Secret that is not its own.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch, delete]
{{- if .Values.rbac.tlsSecrets }}
# list, watch: whether the Secret of an RTMPS or HTTPS listener is there and has certificate and key; these values are
# thrown away as they come. And what others do to the Secrets that the operator makes (rbac.tlsSecrets).
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
# create: what a person would want to know. patch: how often it happened again.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
