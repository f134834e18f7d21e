{{/*
What the operator may do where its EdgeClusters are: a ClusterRole's rules, or a Role's in each watched namespace.
list and watch: it reads from caches, which are filled by a list and kept by a watch.
create and patch: it writes by server-side apply, which is a patch, and a create where the object isn't there yet.
*/}}
{{- define "edgecluster.rules" -}}
# What is wanted. list, watch: the cache. get: the present state before a change that must not be built on an old one.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters]
  verbs: [get, list, watch]
# What is found. patch: status is applied.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters/status]
  verbs: [patch]
# update: asked for by clusters with OwnerReferencesPermissionEnforcement, as owner references block deletion.
- apiGroups: [edgecluster.io]
  resources: [edgeclusters/finalizers]
  verbs: [update]
# edge.conf; the Service for clients, the headless one for edges, and Services that are origins; accounts of edges.
# list, watch: the cache, so that what was changed or deleted is put back. create, patch: apply.
# delete: what an EdgeCluster no longer asks for.
- apiGroups: [""]
  resources: [configmaps, services, serviceaccounts]
  verbs: [list, watch, create, patch, delete]
# The edges. Verbs as before.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
# Autoscaling. Verbs as before.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch, create, patch, delete]
# Limits to voluntary disruption. Verbs as before.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
# Who may reach edges. Verbs as before.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, watch, create, patch, delete]
# Scraping of edges, where the Prometheus operator is. Verbs as before.
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [list, watch, create, patch, delete]
# list, watch: which edges are there, and where their API is. patch: pod-deletion-cost by players, and the
# configuration's hash, at which a kubelet brings the new ConfigMap at once.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
# list, watch: the addresses of origins that are named by a Service.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if .Values.rbac.tlsSecrets }}
# list, watch: whether the Secret of an RTMPS or HTTPS listener is there and is a certificate (rbac.tlsSecrets).
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
# create: what a person would want to know. patch: how often it happened again.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
