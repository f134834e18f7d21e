/**
 * Some of the defaults that the API server fills in, and some values that it writes otherwise than they were given:
 * enough for what is live to differ from what was wanted in the ways that it really does.
 */
import { isMap, type KubeObject, mapAt } from './objects.ts';

type Fields = Record<string, unknown>;

/** The object with its defaults; nothing given is replaced but by another spelling of it. */
export function withDefaults(object: KubeObject, uniqueAddress: () => string): KubeObject {
  switch (object.kind) {
    case 'Service':
      return { ...object, spec: service(mapAt(object, 'spec'), uniqueAddress) };
    case 'Deployment':
      return { ...object, spec: deployment(mapAt(object, 'spec')) };
    case 'HorizontalPodAutoscaler':
      return { ...object, spec: { minReplicas: 1, ...mapAt(object, 'spec') } };
    case 'Pod':
      return {
        ...object,
        spec: podSpec(mapAt(object, 'spec')),
        status: { phase: 'Pending', ...mapAt(object, 'status') },
      };
    case 'Secret':
      return { type: 'Opaque', ...object };
    default:
      return object;
  }
}

function service(spec: Fields, uniqueAddress: () => string): Fields {
  const type = spec.type ?? 'ClusterIP';
  const clusterIP = type === 'ExternalName' ? undefined : (spec.clusterIP ?? uniqueAddress());
  return {
    type,
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ...(type !== 'ClusterIP' && { externalTrafficPolicy: 'Cluster' }),
    ...(type === 'LoadBalancer' && { allocateLoadBalancerNodePorts: true }),
    ...spec,
    ...(clusterIP !== undefined && { clusterIP, clusterIPs: [clusterIP] }),
    ports: list(spec.ports).map((port) => ({ protocol: 'TCP', targetPort: port.port, ...port })),
  };
}

function deployment(spec: Fields): Fields {
  const template = mapAt(spec, 'template');
  const strategy = mapAt(spec, 'strategy');
  return {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...spec,
    strategy:
      strategy.type === 'Recreate'
        ? strategy
        : {
            type: 'RollingUpdate',
            ...strategy,
            rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%', ...mapAt(strategy, 'rollingUpdate') },
          },
    template: { ...template, metadata: mapAt(template, 'metadata'), spec: podSpec(mapAt(template, 'spec')) },
  };
}

function podSpec(spec: Fields): Fields {
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...(spec.serviceAccountName !== undefined && { serviceAccount: spec.serviceAccountName }),
    ...spec,
    containers: list(spec.containers).map(container),
    ...(spec.volumes !== undefined && { volumes: list(spec.volumes).map(volume) }),
  };
}

function container(given: Fields): Fields {
  const image = String(given.image ?? '');
  const probes = ['startupProbe', 'readinessProbe', 'livenessProbe'].filter((name) => isMap(given[name]));
  return {
    imagePullPolicy: /:latest$|\/[^:@]+$|^[^:@/]+$/.test(image) ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...given,
    ...(given.ports !== undefined && { ports: list(given.ports).map((port) => ({ protocol: 'TCP', ...port })) }),
    ...Object.fromEntries(probes.map((name) => [name, probe(mapAt(given, name))])),
    resources: resources(mapAt(given, 'resources')),
  };
}

function probe(given: Fields): Fields {
  const request = mapAt(given, 'httpGet');
  return {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...given,
    ...(given.httpGet !== undefined && { httpGet: { path: '/', scheme: 'HTTP', ...request } }),
  };
}

function volume(given: Fields): Fields {
  const files = ['configMap', 'secret'].filter((name) => isMap(given[name]));
  return { ...given, ...Object.fromEntries(files.map((name) => [name, { defaultMode: 420, ...mapAt(given, name) }])) };
}

/** `1000m` of CPU is written `1`. */
function resources(given: Fields): Fields {
  return Object.fromEntries(
    Object.entries(given).map(([what, amounts]) => [
      what,
      isMap(amounts)
        ? Object.fromEntries(
            Object.entries(amounts).map(([name, amount]) => [name, String(amount).replace(/^(\d+)000m$/, '$1')]),
          )
        : amounts,
    ]),
  );
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}
