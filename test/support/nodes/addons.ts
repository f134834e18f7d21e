/** What runs in every cluster: names of Services by CoreDNS on each node, and metrics of pods by metrics-server. */

import { corednsImage, metricsServerImage } from './images.ts';
import { dnsService } from './layout.ts';

const namespace = 'kube-system';
const corefile = `.:5353 {
  errors
  health :8080
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa
  cache 5
}
`;

/** A List for `kubectl apply`. */
export function addonManifests(): object {
  return { apiVersion: 'v1', kind: 'List', items: [...coredns(), ...metricsServer()] };
}

function coredns(): object[] {
  const name = 'coredns';
  const labels = { 'k8s-app': 'kube-dns' };
  const get = ['list', 'watch'];
  const container = {
    name,
    image: corednsImage,
    imagePullPolicy: 'Never',
    args: ['-conf', '/etc/coredns/Corefile'],
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'config', mountPath: '/etc/coredns' }],
  };
  const pod = {
    serviceAccountName: name,
    // It serves the cluster's names; it does not ask for them.
    dnsPolicy: 'Default',
    tolerations: [{ operator: 'Exists' }],
    containers: [container],
    volumes: [{ name: 'config', configMap: { name } }],
  };
  return [
    ...account(name, [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: get },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: get },
    ]),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { Corefile: corefile } },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name, namespace },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace },
      spec: {
        clusterIP: dnsService,
        selector: labels,
        ports: ['UDP', 'TCP'].map((protocol) => ({
          name: protocol.toLowerCase(),
          port: 53,
          targetPort: 5353,
          protocol,
        })),
      },
    },
  ];
}

function metricsServer(): object[] {
  const name = 'metrics-server';
  const labels = { 'k8s-app': name };
  const container = {
    name,
    image: metricsServerImage,
    imagePullPolicy: 'Never',
    args: [
      '--secure-port=10250',
      '--cert-dir=/tmp',
      '--kubelet-insecure-tls',
      '--kubelet-preferred-address-types=InternalIP',
      '--metric-resolution=10s',
      '--kubelet-request-timeout=5s',
    ],
    readinessProbe: { httpGet: { path: '/readyz', port: 10250, scheme: 'HTTPS' }, periodSeconds: 2 },
    volumeMounts: [{ name: 'certificates', mountPath: '/tmp' }],
  };
  const pod = {
    serviceAccountName: name,
    tolerations: [{ operator: 'Exists' }],
    containers: [container],
    volumes: [{ name: 'certificates', emptyDir: {} }],
  };
  const group = 'metrics.k8s.io';
  return [
    ...account(name, [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes', 'namespaces', 'configmaps'], verbs: ['get', 'list', 'watch'] },
    ]),
    // The API server calls it in the name of who asks: it asks back who that is, and what that one may do.
    binding('ClusterRoleBinding', `${name}:delegator`, { kind: 'ClusterRole', name: 'system:auth-delegator' }, name),
    binding('RoleBinding', `${name}:reader`, { kind: 'Role', name: 'extension-apiserver-authentication-reader' }, name),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { selector: labels, ports: [{ port: 443, targetPort: 10250 }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: `v1beta1.${group}` },
      spec: {
        group,
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
        service: { name, namespace },
      },
    },
  ];
}

function account(name: string, rules: readonly object[]): object[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: `e2e:${name}` }, rules },
    binding('ClusterRoleBinding', `e2e:${name}`, { kind: 'ClusterRole', name: `e2e:${name}` }, name),
  ];
}

function binding(
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  name: string,
  role: { readonly kind: string; readonly name: string },
  account: string,
): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name, ...(kind === 'RoleBinding' && { namespace }) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  };
}
