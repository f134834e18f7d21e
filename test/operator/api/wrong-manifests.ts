/**
 * EdgeClusters that must be refused, and what must be said; and odd ones that are right. Offline admission and a real
 * API server are held to the same rows.
 */
import { parse } from 'yaml';
import { oddHls, wrongHls } from './wrong-hls.ts';

export interface Row {
  /** What is wrong, or odd. */
  readonly name: string;
  /** YAML: fields of the spec, which replace those of the smallest manifest; null takes one away. */
  readonly spec?: string;
  /** YAML: fields of metadata, likewise. */
  readonly metadata?: string;
}

export interface WrongRow extends Row {
  /** A piece of what is said: the place, and what to do. */
  readonly says: string;
}

/** The manifest of a row. */
export function manifestOf({ spec = '{}', metadata = '{}' }: Row): Readonly<Record<string, unknown>> {
  const base = { origins: [{ name: 'main', servers: ['origin-a.media:1935', 'origin-b.media:1935'] }] };
  return {
    apiVersion: 'edgecluster.io/v1alpha1',
    kind: 'EdgeCluster',
    metadata: given({ name: 'live', ...(parse(metadata) as object) }),
    spec: given({ ...base, ...(parse(spec) as object) }),
  };
}

function given(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

const long = 'a'.repeat(51);

export const wrongManifests: readonly WrongRow[] = [
  // Names
  { name: 'a name in capitals', metadata: 'name: Live', says: 'metadata: Invalid value: "object": Services are named' },
  { name: 'a name with a dot', metadata: 'name: live.tv', says: 'begin with a letter, then lower-case letters' },
  { name: 'a name that begins with a digit', metadata: 'name: 4k', says: 'begin with a letter' },
  { name: 'a long name', metadata: `name: ${long}`, says: 'use at most 50 characters' },
  { name: "a headless Service's name", metadata: 'name: live-edges', says: 'a name that ends in -edges would clash' },
  { name: 'no name', metadata: 'name: null', says: 'name or generateName is required' },

  // What is no field
  { name: 'a mistyped field', spec: 'orgins: []', says: 'unknown field "spec.orgins"' },
  {
    name: 'a mistyped field in a list',
    spec: 'vhosts: [{ name: a, tcpNoDelay: true }]',
    says: 'unknown field "spec.vhosts[0].tcpNoDelay"',
  },
  { name: 'a mistyped label', metadata: 'lables: {}', says: 'unknown field "metadata.lables"' },
  { name: 'a number as text', spec: 'replicas: "3"', says: 'must be of type integer: "string"' },
  { name: 'a text as number', spec: 'origins: [{ name: 1, servers: [a] }]', says: 'spec.origins[0].name' },
  {
    name: 'an unquoted Off',
    spec: 'vhosts: [{ name: a, play: { timeJitter: false } }]',
    says: 'must be of type string: "boolean"',
  },
  {
    name: 'a level in small letters',
    spec: 'logLevel: info',
    says: 'Unsupported value: "info": supported values: "Trace"',
  },

  // Origins
  { name: 'no origins', spec: 'origins: null', says: 'spec.origins: Required value' },
  { name: 'an empty list of origins', spec: 'origins: []', says: 'should have at least 1 items' },
  {
    name: 'a group with no servers, no service and no edgeCluster',
    spec: 'origins: [{ name: main }]',
    says: 'spec.origins[0]: Invalid value: "object": group "main" needs one of servers (a list of host:port), service (a Kubernetes Service) and edgeCluster (the tier above), and has none',
  },
  {
    name: 'a group with both',
    spec: 'origins: [{ name: main, servers: [a], service: { name: a } }]',
    says: 'and edgeCluster (the tier above), not several',
  },
  {
    name: 'two groups of one name',
    spec: 'origins: [{ name: a, servers: [a] }, { name: a, servers: [b] }]',
    says: 'spec.origins[1]: Duplicate value',
  },
  {
    name: 'a group in capitals',
    spec: 'origins: [{ name: Main, servers: [a] }]',
    says: 'spec.origins[0].name: Invalid value',
  },
  { name: 'an empty list of servers', spec: 'origins: [{ name: a, servers: [] }]', says: 'spec.origins[0].servers' },
  {
    name: 'a server twice',
    spec: 'origins: [{ name: a, servers: [b, b] }]',
    says: 'spec.origins[0].servers[1]: Duplicate value: "b"',
  },
  {
    name: 'a URL as server',
    spec: 'origins: [{ name: a, servers: ["rtmp://origin:1935/live"] }]',
    says: 'no scheme and no path',
  },
  { name: 'an empty server', spec: 'origins: [{ name: a, servers: [""] }]', says: 'spec.origins[0].servers[0]' },
  {
    name: 'a server with a blank',
    spec: 'origins: [{ name: a, servers: ["a b"] }]',
    says: 'write host, host:port or [IPv6]:port',
  },
  {
    name: 'port 0',
    spec: 'origins: [{ name: a, servers: ["a:0"] }]',
    says: 'the port must be a number from 1 to 65535',
  },
  {
    name: 'port 65536',
    spec: 'origins: [{ name: a, servers: ["a:65536"] }]',
    says: 'the port must be a number from 1 to 65535',
  },
  {
    name: 'an IPv6 port out of range',
    spec: 'origins: [{ name: a, servers: ["[::1]:99999"] }]',
    says: 'the port must be a number from 1 to 65535',
  },
  {
    name: 'a port without digits',
    spec: 'origins: [{ name: a, servers: ["a:rtmp"] }]',
    says: 'write host, host:port or [IPv6]:port',
  },
  {
    name: 'IPv6 without brackets',
    spec: 'origins: [{ name: a, servers: ["2001:db8::1"] }]',
    says: 'write host, host:port or [IPv6]:port',
  },
  {
    name: 'no IPv6 in brackets',
    spec: 'origins: [{ name: a, servers: ["[12345::1]"] }]',
    says: 'this is no IPv6 address',
  },
  {
    name: 'too little IPv6',
    spec: 'origins: [{ name: a, servers: ["[fe:ed]"] }]',
    says: 'has 8 groups, or fewer and one',
  },
  {
    name: 'IPv4 dressed as IPv6',
    spec: 'origins: [{ name: a, servers: ["[::ffff:10.0.0.1]:1935"] }]',
    says: 'write IPv4 without brackets',
  },
  { name: 'no IPv4', spec: 'origins: [{ name: a, servers: ["10.0.0.256:1935"] }]', says: 'this is no IP address' },
  {
    name: 'a Service with its namespace in the name',
    spec: 'origins: [{ name: a, service: { name: srs.media } }]',
    says: 'its namespace goes into `namespace`',
  },
  {
    name: "a Service's port number as text",
    spec: 'origins: [{ name: a, service: { name: srs, port: "1935" } }]',
    says: 'this is a number in quotes',
  },
  {
    name: "a Service's port out of range",
    spec: 'origins: [{ name: a, service: { name: srs, port: 70000 } }]',
    says: 'should be less than or equal to 65535',
  },
  {
    name: "a Service's port in capitals",
    spec: 'origins: [{ name: a, service: { name: srs, port: RTMP } }]',
    says: 'spec.origins[0].service.port',
  },
  {
    name: 'its own Service as origin',
    spec: 'origins: [{ name: a, service: { name: live } }]',
    says: 'edges would pull from themselves',
  },
  {
    name: 'its own headless Service as origin',
    spec: 'origins: [{ name: a, service: { name: live-edges } }]',
    says: 'edges would pull from themselves',
  },
  {
    name: 'a tier above beside servers',
    spec: 'origins: [{ name: main, servers: [a], edgeCluster: { name: region } }]',
    says: 'and edgeCluster (the tier above), not several',
  },
  {
    name: 'a tier above beside a Service',
    spec: 'origins: [{ name: main, service: { name: a }, edgeCluster: { name: region } }]',
    says: 'and edgeCluster (the tier above), not several',
  },
  {
    name: 'a tier above without a name',
    spec: 'origins: [{ name: a, edgeCluster: {} }]',
    says: 'spec.origins[0].edgeCluster.name: Required value',
  },
  {
    name: 'a tier above with its namespace in the name',
    spec: 'origins: [{ name: a, edgeCluster: { name: region.media } }]',
    says: 'give the name of an EdgeCluster alone; its namespace goes into `namespace`',
  },
  {
    name: 'the Service of the tier above',
    spec: 'origins: [{ name: a, edgeCluster: { name: region-edges } }]',
    says: 'give that of the EdgeCluster, not of its Service',
  },
  {
    name: 'a port of the tier above',
    spec: 'origins: [{ name: a, edgeCluster: { name: region, port: 1935 } }]',
    says: 'unknown field "spec.origins[0].edgeCluster.port"',
  },
  {
    name: 'the tier above in turn',
    spec: 'origins: [{ name: a, edgeCluster: { name: region }, balance: RoundRobin }]',
    says: 'spec.origins[0].balance: Invalid value',
  },
  {
    name: 'the tier above by its first edge',
    spec: 'origins: [{ name: a, edgeCluster: { name: region }, balance: Failover }]',
    says: 'are chosen by StreamHash, so that all edges meet at the same one for a stream; leave balance out',
  },
  {
    name: 'itself as the tier above',
    spec: 'origins: [{ name: a, edgeCluster: { name: live } }]',
    says: "a group's edgeCluster is the EdgeCluster itself",
  },
  {
    name: 'a CA that is no PEM',
    spec: 'origins: [{ name: a, servers: [a], tls: { caBundle: TUlJQg== } }]',
    says: 'give PEM text',
  },
  {
    name: 'a private key for a CA',
    spec: 'origins: [{ name: a, servers: [a], tls: { caBundle: "-----BEGIN PRIVATE KEY----- -----BEGIN CERTIFICATE----- -----END CERTIFICATE-----" } }]',
    says: 'there is a private key in it',
  },
  {
    name: 'a CA that nobody looks at',
    spec: 'origins: [{ name: a, servers: [a], tls: { insecureSkipVerify: true, caBundle: "-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----" } }]',
    says: 'caBundle has no effect with insecureSkipVerify',
  },
  {
    name: 'retries that run backwards',
    spec: 'origins: [{ name: a, servers: [a], timeouts: { retryMinMs: 3000 } }]',
    says: 'spec.origins[0].timeouts: Invalid value: "object": retryMinMs must not be above retryMaxMs',
  },
  {
    name: 'a time-out of nothing',
    spec: 'origins: [{ name: a, servers: [a], timeouts: { stallMs: 0 } }]',
    says: 'should be greater than or equal to 1',
  },
  {
    name: 'an unknown balance',
    spec: 'origins: [{ name: a, servers: [a], balance: Random }]',
    says: 'supported values: "RoundRobin", "StreamHash", "Failover"',
  },

  // Vhosts
  {
    name: 'an unknown origin in a vhost',
    spec: 'vhosts: [{ name: a, origin: nowhere }]',
    says: 'spec.vhosts: Invalid value: "object": a vhost has an origin that no group of spec.origins is called',
  },
  { name: 'a vhost twice', spec: 'vhosts: [{ name: a }, { name: a }]', says: 'spec.vhosts[1]: Duplicate value' },
  { name: 'no vhosts', spec: 'vhosts: []', says: 'should have at least 1 items' },
  {
    name: 'a wildcard vhost',
    spec: 'vhosts: [{ name: "*.example.com" }]',
    says: '__defaultVhost__ takes all names that have no vhost',
  },
  {
    name: 'a vhost with a port',
    spec: 'vhosts: [{ name: "a.example.com:1935" }]',
    says: 'without scheme, port or wildcard',
  },
  {
    name: 'a transform with a blank',
    spec: 'vhosts: [{ name: a, transform: "a b" }]',
    says: 'spec.vhosts[0].transform',
  },
  {
    name: 'an unknown variable in a transform',
    spec: 'vhosts: [{ name: a, transform: "[app]" }]',
    says: "[vhost] in it stands for the client's",
  },
  {
    name: 'merged read with minLatency',
    spec: 'vhosts: [{ name: a, minLatency: true, publish: { mr: true } }]',
    says: 'has no effect with minLatency',
  },
  {
    name: 'a small chunk size',
    spec: 'vhosts: [{ name: a, chunkSize: 64 }]',
    says: 'should be greater than or equal to 128',
  },
  {
    name: 'a mount that is no FLV',
    spec: 'vhosts: [{ name: a, httpFlv: { mount: "[vhost]/[app]/[stream].ts" } }]',
    says: 'give a path that ends in .flv',
  },
  {
    name: 'a mount with an unknown variable',
    spec: 'vhosts: [{ name: a, httpFlv: { mount: "[vhost]/[name].flv" } }]',
    says: 'the variables of a mount are [vhost], [app] and [stream]',
  },
  // Who may come in
  {
    name: 'security without a rule',
    spec: 'vhosts: [{ name: a, security: {} }]',
    says: 'give allow or deny, or leave security out',
  },
  {
    name: 'a rule without an action',
    spec: 'vhosts: [{ name: a, security: { allow: [{ from: 10.0.0.0/8 }] } }]',
    says: 'spec.vhosts[0].security.allow[0].action: Required value',
  },
  {
    name: 'a rule for a single address without a prefix',
    spec: 'vhosts: [{ name: a, security: { deny: [{ action: Publish, from: 192.0.2.7 }] } }]',
    says: 'give a range of addresses such as 203.0.113.0/24',
  },
  {
    name: 'a rule in SRS’s words',
    spec: 'vhosts: [{ name: a, security: { deny: [{ action: publish, from: all }] } }]',
    says: 'supported values: "Play", "Publish"',
  },
  {
    name: 'refer without domains',
    spec: 'vhosts: [{ name: a, refer: {} }]',
    says: 'give domains in at least one of all, publish, play',
  },
  {
    name: 'refer with a URL',
    spec: 'vhosts: [{ name: a, refer: { all: ["https://example.com"] } }]',
    says: 'give a domain such as example.com, without scheme',
  },
  {
    name: 'tokens without keys',
    spec: 'vhosts: [{ name: a, token: {} }]',
    says: 'give keysSecretName for signed URLs, or jwks or jwksUrl',
  },
  {
    name: 'tokens for nobody',
    spec: 'vhosts: [{ name: a, token: { play: false, publish: false, keysSecretName: keys } }]',
    says: 'nobody needs a token with play and publish off',
  },
  {
    name: 'two sets of keys',
    spec: 'vhosts: [{ name: a, token: { jwks: "{\\"keys\\": []}", jwksUrl: "https://a" } }]',
    says: 'give jwks or jwksUrl, not both',
  },
  {
    name: 'an issuer of signed URLs',
    spec: 'vhosts: [{ name: a, token: { keysSecretName: keys, issuer: me } }]',
    says: 'issuer and audience are of JSON Web Tokens',
  },
  {
    name: 'a private key',
    spec: 'vhosts: [{ name: a, token: { jwks: "{\\"keys\\": [{\\"kty\\": \\"OKP\\", \\"d\\": \\"x\\"}]}" } }]',
    says: 'a key here is private',
  },
  {
    name: 'one key that is no set',
    spec: 'vhosts: [{ name: a, token: { jwks: "{\\"kty\\": \\"OKP\\"}" } }]',
    says: 'give a JWK Set as JSON',
  },
  {
    name: 'keys by a path',
    spec: 'vhosts: [{ name: a, token: { jwksUrl: /etc/jwks.json } }]',
    says: 'give a URL that begins with http:// or https://',
  },
  {
    name: 'a limit of nobody',
    spec: 'vhosts: [{ name: a, limits: { publishers: 0 } }]',
    says: 'should be greater than or equal to 1',
  },
  {
    name: 'the PROXY protocol from nobody',
    spec: 'proxies: { proxyProtocol: true }',
    says: 'spec.proxies.trusted: Required value',
  },
  {
    name: 'a proxy by its name',
    spec: 'proxies: { trusted: [balancer.example.com] }',
    says: 'give a range of addresses such as 203.0.113.0/24',
  },
  {
    name: 'hooks without a URL',
    spec: 'vhosts: [{ name: a, hooks: {} }]',
    says: 'give a URL for at least one of onConnect',
  },
  {
    name: 'a hook that is no URL',
    spec: 'vhosts: [{ name: a, hooks: { onPlay: ["auth.media/play"] } }]',
    says: 'give a URL that begins with http:// or https://',
  },
  {
    name: 'a hook with a blank',
    spec: 'vhosts: [{ name: a, hooks: { onPlay: ["http://a/b c"] } }]',
    says: 'spec.vhosts[0].hooks.onPlay[0]',
  },
  {
    name: 'too long directives',
    spec: `extraDirectives: ${'x'.repeat(16_385)}`,
    says: 'spec.extraDirectives: Too long',
  },

  // Listeners
  {
    name: 'a privileged port',
    spec: 'listeners: { rtmp: { port: 935 } }',
    says: 'should be greater than or equal to 1024',
  },
  { name: 'a port twice', spec: 'listeners: { rtmp: { port: 8080 } }', says: 'two listeners have the same port' },
  {
    name: 'a port twice, one of TLS',
    spec: 'listeners: { rtmps: { port: 8443, secretName: a }, https: { secretName: a } }',
    says: 'two listeners have the same port',
  },
  {
    name: 'a port of the Service twice',
    spec: 'listeners: { rtmps: { servicePort: 443, secretName: a }, https: { servicePort: 443, secretName: a } }',
    says: 'two listeners show the same port in the Service',
  },
  {
    name: 'TLS without a Secret',
    spec: 'listeners: { rtmps: {} }',
    says: 'spec.listeners.rtmps.secretName: Required value',
  },
  {
    name: 'https without http',
    spec: 'listeners: { http: { enabled: false }, https: { secretName: a } }',
    says: 'spec.listeners.https: Invalid value: "object": https needs http',
  },
  {
    name: 'a policy for the network of nodes',
    spec: 'pods: { hostNetwork: true }\nnetworkPolicy: { enabled: true }',
    says: 'spec.networkPolicy.enabled: Invalid value: "object": a NetworkPolicy does nothing for pods in the node',
  },
  {
    name: 'the page without http',
    spec: 'listeners: { http: { enabled: false, page: true } }',
    says: 'spec.listeners.http.page: Invalid value: "object": the page needs http',
  },

  // Services
  {
    name: 'the same family twice',
    spec: 'service: { ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv4] }',
    says: 'spec.service.ipFamilies: Invalid value: "object": both families are the same',
  },
  {
    name: 'two families of one stack',
    spec: 'service: { ipFamilyPolicy: SingleStack, ipFamilies: [IPv4, IPv6] }',
    says: 'spec.service.ipFamilies: Invalid value: "object": two families need ipFamilyPolicy',
  },
  {
    name: 'two families without a policy',
    spec: 'service: { ipFamilies: [IPv4, IPv6] }',
    says: 'spec.service.ipFamilies: Invalid value: "object": two families need ipFamilyPolicy',
  },
  { name: 'no family', spec: 'service: { ipFamilies: [] }', says: 'spec.service.ipFamilies' },
  {
    name: 'an unknown distribution',
    spec: 'service: { trafficDistribution: Nearest }',
    says: 'spec.service.trafficDistribution: Unsupported value: "Nearest"',
  },
  {
    name: 'annotations of ours on the headless Service',
    spec: 'service: { headless: { annotations: { edgecluster.io/a: b } } }',
    says: "spec.service.headless.annotations: Forbidden: edgecluster.io/ is for the operator's own annotations",
  },
  {
    name: 'labels of ours on the headless Service',
    spec: 'service: { headless: { labels: { app.kubernetes.io/name: b } } }',
    says: 'spec.service.headless.labels: Forbidden: edgecluster.io/ and app.kubernetes.io/',
  },

  // Scale
  { name: 'fewer replicas than none', spec: 'replicas: -1', says: 'should be greater than or equal to 0' },
  {
    name: 'minReplicas above maxReplicas',
    spec: 'autoscaling: { minReplicas: 5, maxReplicas: 3 }',
    says: 'spec.autoscaling.maxReplicas: Invalid value: "object": minReplicas must not be above maxReplicas',
  },
  {
    name: 'the default minReplicas above maxReplicas',
    spec: 'autoscaling: { maxReplicas: 1 }',
    says: 'minReplicas is 2 unless given',
  },
  {
    name: 'autoscaling without a maximum',
    spec: 'autoscaling: {}',
    says: 'spec.autoscaling.maxReplicas: Required value',
  },
  {
    name: 'autoscaling without a target',
    spec: 'autoscaling: { maxReplicas: 3, targets: {} }',
    says: 'spec.autoscaling.targets: Required value: give at least one of',
  },
  {
    name: 'autoscaling by CPU that is not requested',
    spec: '{ autoscaling: { maxReplicas: 3 }, pods: { resources: {} } }',
    says: 'give requests.cpu, or another target',
  },
  {
    name: 'autoscaling by memory that is not requested',
    spec: '{ autoscaling: { maxReplicas: 3, targets: { memoryUtilizationPercent: 80 } }, pods: { resources: { requests: { cpu: 1 } } } }',
    says: 'give requests.memory, or another target',
  },
  {
    name: 'headroom without clients to count',
    spec: 'autoscaling: { maxReplicas: 3, targets: { cpuUtilizationPercent: 60 }, headroomPercent: 30 }',
    says: 'spec.autoscaling.headroomPercent: Forbidden: headroomPercent is for clients',
  },
  {
    name: 'no publishers at all on an edge',
    spec: 'autoscaling: { maxReplicas: 3, targets: { publishersPerPod: 0 } }',
    says: 'should be greater than or equal to 1',
  },
  {
    name: 'more players on an edge than it takes',
    spec: '{ autoscaling: { maxReplicas: 3, targets: { playersPerPod: 500 } }, maxConnections: 499 }',
    says: 'spec.maxConnections: Invalid value: "object": an edge takes fewer connections than autoscaling.targets',
  },
  {
    name: 'more publishers on an edge than it takes',
    spec: 'autoscaling: { maxReplicas: 3, targets: { publishersPerPod: 10001 } }',
    says: 'raise maxConnections or lower the target',
  },

  // The Service
  {
    name: 'node ports without a type',
    spec: 'service: { nodePorts: { rtmp: 30935 } }',
    says: 'spec.service.nodePorts: Forbidden: nodePorts need type NodePort or LoadBalancer',
  },
  {
    name: 'a node port of what is off',
    spec: 'service: { type: NodePort, nodePorts: { https: 30443 } }',
    says: 'a node port is given for a listener that is off',
  },
  {
    name: 'a node port twice',
    spec: 'service: { type: NodePort, nodePorts: { rtmp: 30935, http: 30935 } }',
    says: 'two listeners have the same node port',
  },
  {
    name: 'a traffic policy without a type',
    spec: 'service: { externalTrafficPolicy: Local }',
    says: 'externalTrafficPolicy needs type NodePort or LoadBalancer',
  },
  {
    name: 'a load balancer class of a NodePort',
    spec: 'service: { type: NodePort, loadBalancerClass: a }',
    says: 'loadBalancerClass needs type LoadBalancer',
  },
  {
    name: 'source ranges of a ClusterIP',
    spec: 'service: { loadBalancerSourceRanges: [10.0.0.0/8] }',
    says: 'loadBalancerSourceRanges need type LoadBalancer',
  },
  {
    name: 'a source range without length',
    spec: 'service: { type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.1] }',
    says: 'give a range of addresses such as 203.0.113.0/24',
  },
  {
    name: 'a range that is too long for IPv4',
    spec: 'networkPolicy: { enabled: true, clients: [{ ipBlock: { cidr: 10.0.0.0/33 } }] }',
    says: 'give a range of addresses such as 203.0.113.0/24',
  },
  {
    name: 'a range of too few groups',
    spec: 'networkPolicy: { enabled: true, clients: [{ ipBlock: { cidr: "2001:db8/32" } }] }',
    says: 'an IPv6 address has 8 groups',
  },
  {
    name: "the operator's label on the Service",
    spec: 'service: { labels: { app.kubernetes.io/name: mine } }',
    says: 'are set by the operator; use other labels',
  },

  // Pods
  {
    name: "the operator's label on pods",
    spec: 'pods: { labels: { edgecluster.io/cluster: mine } }',
    says: 'spec.pods.labels: Forbidden',
  },
  {
    name: "the operator's annotation on pods",
    spec: 'pods: { annotations: { edgecluster.io/config-hash: mine } }',
    says: 'spec.pods.annotations: Forbidden',
  },
  {
    name: 'an image with a scheme',
    spec: 'pods: { image: "https://registry/edge" }',
    says: 'without blanks or a scheme',
  },
  {
    name: 'memory that is no quantity',
    spec: 'pods: { resources: { limits: { memory: 512MB } } }',
    says: 'spec.pods.resources.limits',
  },
  {
    name: 'a fraction of a CPU as a number',
    spec: 'pods: { resources: { requests: { cpu: 0.5 } } }',
    says: 'must be of type integer,string: "number"',
  },
  {
    name: 'a mistyped security context',
    spec: 'pods: { securityContext: { runAsNonRot: true } }',
    says: 'unknown field "spec.pods.securityContext.runAsNonRot"',
  },
  {
    name: 'root where there may be none',
    spec: 'pods: { containerSecurityContext: { runAsUser: 0 } }',
    says: 'runAsUser 0 is root, which runAsNonRoot forbids',
  },
  {
    name: 'a variable from nowhere',
    spec: 'pods: { env: [{ name: A, valueFrom: {} }] }',
    says: 'give exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef',
  },
  {
    name: 'a variable that overrides the configuration',
    spec: 'pods: { env: [{ name: SRS_LISTEN, value: "1936" }] }',
    says: 'use the fields of the EdgeCluster or extraDirectives',
  },
  {
    name: 'a variable with two values',
    spec: 'pods: { env: [{ name: A, value: "1", valueFrom: { fieldRef: { fieldPath: status.podIP } } }] }',
    says: 'give either value or valueFrom, not both',
  },
  {
    name: 'a variable twice',
    spec: 'pods: { env: [{ name: A, value: "1" }, { name: A, value: "2" }] }',
    says: 'spec.pods.env[1]: Duplicate value',
  },
  {
    name: 'a number as a variable',
    spec: 'pods: { env: [{ name: A, value: 1 }] }',
    says: 'must be of type string: "integer"',
  },
  {
    name: 'a mistyped toleration',
    spec: 'pods: { tolerations: [{ keys: a }] }',
    says: 'unknown field "spec.pods.tolerations[0].keys"',
  },
  {
    name: 'an unknown effect',
    spec: 'pods: { tolerations: [{ key: a, effect: NoRun }] }',
    says: 'Unsupported value: "NoRun"',
  },
  {
    name: 'a spread without a key',
    spec: 'pods: { topologySpreadConstraints: [{ maxSkew: 1, whenUnsatisfiable: DoNotSchedule }] }',
    says: 'topologyKey: Required value',
  },

  // Availability and who may connect
  {
    name: 'a budget with both limits',
    spec: 'availability: { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } }',
    says: 'give minAvailable or maxUnavailable, not both',
  },
  {
    name: 'a budget beyond all',
    spec: 'availability: { podDisruptionBudget: { minAvailable: 120% } }',
    says: 'give a number of pods, or percent such as 50%',
  },
  {
    name: 'a budget of a truth',
    spec: 'availability: { podDisruptionBudget: { minAvailable: true } }',
    says: 'spec.availability.podDisruptionBudget.minAvailable',
  },
  {
    name: 'a roll-out that cannot begin',
    spec: 'availability: { rollout: { maxSurge: 0 } }',
    says: 'maxSurge and maxUnavailable are both 0',
  },
  {
    name: 'a roll-out that cannot begin, in percent',
    spec: 'availability: { rollout: { maxSurge: 0%, maxUnavailable: 0% } }',
    says: 'maxSurge and maxUnavailable are both 0',
  },
  {
    name: 'no canaries',
    spec: 'configRollout: { canaries: 0 }',
    says: 'give a number of edges from 1 on, or percent from 1% to 100%',
  },
  {
    name: 'too many canaries',
    spec: 'configRollout: { canaries: 101% }',
    says: 'give a number of edges from 1 on, or percent from 1% to 100%',
  },
  { name: 'canaries for no time', spec: 'configRollout: { watchSeconds: 0 }', says: 'greater than or equal to 1' },
  { name: 'an unknown strategy', spec: 'configRollout: { strategy: Rolling }', says: 'supported values: "Auto"' },
  {
    name: 'clients nowhere',
    spec: 'networkPolicy: { enabled: true, clients: [] }',
    says: 'should have at least 1 items',
  },
  {
    name: 'a peer of nothing',
    spec: 'networkPolicy: { enabled: true, clients: [{}] }',
    says: 'give either ipBlock or selectors',
  },
  {
    name: 'a peer of both kinds',
    spec: 'networkPolicy: { enabled: true, clients: [{ ipBlock: { cidr: 10.0.0.0/8 }, podSelector: {} }] }',
    says: 'give either ipBlock or selectors',
  },
  {
    name: 'a mistyped selector',
    spec: 'networkPolicy: { enabled: true, clients: [{ podSelector: { matchLabel: { a: b } } }] }',
    says: 'unknown field "spec.networkPolicy.clients[0].podSelector.matchLabel"',
  },

  ...wrongHls,
];

export const rightManifests: readonly Row[] = [
  { name: 'the smallest' },
  { name: 'a name of one letter', metadata: 'name: a' },
  { name: 'a name of 50 letters', metadata: `name: ${'a'.repeat(50)}` },
  { name: 'labels and annotations of its own', metadata: '{ labels: { a: b }, annotations: { c: d } }' },
  {
    name: 'servers of all forms',
    spec: 'origins: [{ name: a, servers: [a, a.b:1, "a_b.c.:65535", 10.0.0.1, "10.0.0.1:1935", "[::1]", "[2001:db8::1]:1935", ORIGIN] }]',
  },
  {
    name: 'a Service in another namespace that has its name',
    spec: 'origins: [{ name: a, service: { name: live, namespace: elsewhere } }]',
  },
  { name: 'the tier above', spec: 'origins: [{ name: a, edgeCluster: { name: region } }]' },
  {
    name: 'the tier above in another namespace that has its name, by RTMPS and with the balance that it has anyway',
    spec: 'origins: [{ name: a, edgeCluster: { name: live, namespace: elsewhere }, balance: StreamHash, tls: {} }]',
  },
  { name: 'a port by name', spec: 'origins: [{ name: a, service: { name: srs, port: rtmp-1 } }]' },
  {
    name: 'a port by a name whose last character is its one letter',
    spec: 'origins: [{ name: a, service: { name: srs, port: 0-2345678901-3k } }]',
  },
  { name: 'TLS without settings', spec: 'origins: [{ name: a, servers: [a], tls: {} }]' },
  {
    name: 'nulls, which count as left out',
    spec: '{ replicas: 3, autoscaling: null, vhosts: [{ name: a, origin: null, play: null }], pods: { image: null } }',
  },
  {
    name: 'vhosts of all forms',
    spec: 'vhosts: [{ name: __defaultVhost__ }, { name: 127.0.0.1 }, { name: UP.example.com, transform: "[vhost].origin" }, { name: a_b, transform: a_b.c }]',
  },
  {
    name: 'a mount that begins with a slash',
    spec: 'vhosts: [{ name: a, httpFlv: { mount: "/[vhost]/[app]/[stream].flv" } }]',
  },
  { name: 'a fraction of a millisecond', spec: 'vhosts: [{ name: a, play: { sendMinIntervalMs: 0.5 } }]' },
  {
    name: 'rules for all, and for ranges of both kinds',
    spec: 'vhosts: [{ name: a, security: { allow: [{ action: Play }, { action: Publish, from: "2001:db8::/32" }], deny: [{ action: Play, from: 192.0.2.7/32 }] } }]',
  },
  {
    name: 'a token of any kind for publishers alone',
    spec: 'vhosts: [{ name: a, token: { play: false, keysSecretName: keys, jwksUrl: "https://a/jwks.json", audience: live } }]',
  },
  { name: 'domains with and without their own name', spec: 'vhosts: [{ name: a, refer: { all: [a.com, .b.com] } }]' },
  { name: 'proxies by headers alone', spec: 'proxies: { trusted: [10.0.0.0/8, "fd00::/8"] }' },
  { name: 'a time jitter in quotes', spec: 'vhosts: [{ name: a, play: { timeJitter: "Off" } }]' },
  { name: 'the port of what is off', spec: 'listeners: { http: { enabled: false }, rtmp: { port: 8080 } }' },
  {
    name: 'the same container port and another service port',
    spec: 'listeners: { rtmps: { secretName: a, port: 1936, servicePort: 1935 }, rtmp: { servicePort: 935 } }',
  },
  { name: 'no edges at all', spec: 'replicas: 0' },
  {
    name: 'autoscaling from a limit',
    spec: '{ autoscaling: { maxReplicas: 3 }, pods: { resources: { limits: { cpu: 1 } } } }',
  },
  {
    name: 'autoscaling by players without requests',
    spec: '{ autoscaling: { maxReplicas: 3, targets: { playersPerPod: 500 } }, pods: { resources: {} } }',
  },
  {
    name: 'autoscaling by publishers with no room, as many as an edge takes',
    spec: 'autoscaling: { maxReplicas: 3, targets: { publishersPerPod: 10000 }, headroomPercent: 0 }',
  },
  {
    name: 'quantities of all forms',
    spec: 'pods: { resources: { requests: { cpu: 1500m, memory: 1e9 }, limits: { cpu: 2, memory: 1Gi } } }',
  },
  { name: 'a roll-out without surge', spec: 'availability: { rollout: { maxSurge: 0, maxUnavailable: 50% } }' },
  { name: 'all edges as canaries', spec: 'configRollout: { canaries: 100%, watchSeconds: 86400 }' },
  {
    name: 'pods like any others',
    spec: 'pods: { tolerations: [{ operator: Exists }], affinity: { nodeAffinity: {} }, topologySpreadConstraints: [], securityContext: { fsGroup: 1, runAsUser: 0, runAsNonRoot: false }, containerSecurityContext: { capabilities: { add: [NET_ADMIN] } }, env: [{ name: A }, { name: B, valueFrom: { fieldRef: { fieldPath: status.podIP } } }] }',
  },
  {
    name: 'peers of all forms',
    spec: 'networkPolicy: { enabled: true, clients: [{ ipBlock: { cidr: 0.0.0.0/0, except: [10.0.0.0/8] } }, { ipBlock: { cidr: "::/0", except: ["2001:db8::/32"] } }, { podSelector: {} }, { namespaceSelector: { matchExpressions: [{ key: a, operator: Exists }] } }] }',
  },
  ...oddHls,
];
