/**
 * Some of the defaults that the API server fills in, and some values that it writes otherwise than they were given:
 * enough for what is live to differ from what was wanted in the ways that it really does.
 */
import { isMap, type KubeObject, mapAt } from './objects.ts';

type Fields = Record<string, unknown>;

/**
 * The object with its defaults; nothing given is replaced but by another spelling of it.
 * @param live what it replaces: addresses and ports stay
 * @param unique another number each time, for new ones
 */
export function withDefaults(object: KubeObject, live: KubeObject | undefined, unique: () => number): KubeObject {
  switch (object.kind) {
    case 'Service':
      return {
        status: { loadBalancer: {} },
        ...object,
        spec: service(mapAt(object, 'spec'), mapAt(live, 'spec'), unique),
      };
    case 'Deployment':
      return { status: {}, ...object, spec: deployment(mapAt(object, 'spec')) };
    case 'HorizontalPodAutoscaler':
      return { status: NO_SCALING, ...object, spec: autoscaler(mapAt(object, 'spec')) };
    case 'PodDisruptionBudget':
      return { status: NO_BUDGET, ...object };
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

const NO_SCALING = { desiredReplicas: 0, currentMetrics: null };
const NO_BUDGET = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

function service(spec: Fields, live: Fields, unique: () => number): Fields {
  const type = spec.type ?? 'ClusterIP';
  const address = () => {
    const n = unique();
    return `10.96.${(n >> 8) & 255}.${n & 255}`;
  };
  const clusterIP = type === 'ExternalName' ? undefined : (spec.clusterIP ?? live.clusterIP ?? address());
  const outside = type === 'NodePort' || type === 'LoadBalancer';
  const nodePort = () => 30_000 + (unique() % 2768);
  const present = list(live.ports);
  const checked = type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  return {
    type,
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    ...(outside && { externalTrafficPolicy: 'Cluster' }),
    ...(type === 'LoadBalancer' && { allocateLoadBalancerNodePorts: true }),
    ...(checked && { healthCheckNodePort: spec.healthCheckNodePort ?? live.healthCheckNodePort ?? nodePort() }),
    ...spec,
    ...(clusterIP !== undefined && { clusterIP, clusterIPs: [clusterIP] }),
    ports: list(spec.ports).map((port) => ({
      protocol: 'TCP',
      targetPort: port.port,
      ...(outside &&
        port.nodePort === undefined && {
          nodePort: present.find((other) => other.port === port.port)?.nodePort ?? nodePort(),
        }),
      ...port,
    })),
  };
}

function autoscaler(spec: Fields): Fields {
  const behavior = mapAt(spec, 'behavior');
  const policies = [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ];
  const scaleUp = { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies, ...mapAt(behavior, 'scaleUp') };
  return { minReplicas: 1, ...spec, ...(spec.behavior !== undefined && { behavior: { ...behavior, scaleUp } }) };
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
    ...(spec.initContainers !== undefined && { initContainers: list(spec.initContainers).map(container) }),
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
