/**
 * A pod of the caches: nginx, and beside it an agent, which tells nginx where the origins are and counts requests. The
 * agent is a sidecar of Kubernetes: it starts before nginx and ends after it.
 */
import type { V1Container, V1PodSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { EdgeCluster, Hls } from '../../api/types.ts';
import { isFilled } from '../metadata.ts';
import { configMode, containerSecurity, keyMode, podSecurity } from '../pod-defaults.ts';
import { serviceAccountNameOf } from '../service-account.ts';
import {
  ACCESS_PORT,
  CACHE_DIRECTORY,
  HLS_DIRECTORY,
  HLS_TLS_DIRECTORY,
  hlsMatchLabelsOf,
  hlsNameOf,
  NGINX_CONF,
  RUN_DIRECTORY,
} from './names.ts';

/** Until all of the cluster know that the pod takes no new players. */
const leaveSeconds = 5;

/** What is being sent then may take so long. */
const finishSeconds = 30;

export function hlsPodSpec(cluster: EdgeCluster, hls: Hls, agentImage: string): V1PodSpec {
  const { pods } = cluster.spec;
  const { imagePullSecrets = [], tolerations = [], nodeSelector } = pods;
  const labelSelector = { matchLabels: hlsMatchLabelsOf(cluster) };
  return {
    serviceAccountName: serviceAccountNameOf(cluster),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The agent signals nginx.
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: leaveSeconds + finishSeconds + 5,
    securityContext: podSecurity,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: [...imagePullSecrets] }),
    ...(isFilled(nodeSelector) && { nodeSelector: { ...nodeSelector } }),
    ...(tolerations.length > 0 && { tolerations: [...tolerations] }),
    ...(pods.priorityClassName !== undefined && { priorityClassName: pods.priorityClassName }),
    ...(pods.runtimeClassName !== undefined && { runtimeClassName: pods.runtimeClassName }),
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector,
        matchLabelKeys: ['pod-template-hash'],
      },
    ],
    initContainers: [agent(cluster, hls, agentImage)],
    containers: [cache(cluster, hls)],
    volumes: volumes(cluster, hls),
  };
}

function cache({ spec }: EdgeCluster, hls: Hls): V1Container {
  const { http, https } = hls.listeners;
  const { imagePullPolicy } = spec.pods;
  const probe = { httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' }, timeoutSeconds: 3, successThreshold: 1 };
  return {
    name: 'cache',
    image: hls.image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    command: ['nginx', '-e', 'stderr', '-c', `${HLS_DIRECTORY}/${NGINX_CONF}`],
    ports: [
      { name: 'http', containerPort: http.port, protocol: 'TCP' },
      ...(https === undefined ? [] : [{ name: 'https', containerPort: https.port, protocol: 'TCP' }]),
    ],
    ...(isFilled(hls.resources) && { resources: hls.resources }),
    startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { ...probe, periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 6 },
    // nginx's images are then stopped by QUIT, which lets requests finish.
    lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
    securityContext: containerSecurity,
    volumeMounts: [...mounts(hls), { name: 'cache', mountPath: CACHE_DIRECTORY }],
  };
}

function agent(cluster: EdgeCluster, hls: Hls, image: string): V1Container {
  const { pods } = cluster.spec;
  const { port } = hls.listeners.metrics;
  return {
    name: 'agent',
    image: pods.image ?? image,
    ...(pods.imagePullPolicy !== undefined && { imagePullPolicy: pods.imagePullPolicy }),
    command: ['edgecluster', 'hls-agent'],
    args: [
      '--config',
      HLS_DIRECTORY,
      '--run',
      RUN_DIRECTORY,
      '--listen',
      `:${port}`,
      '--access-port',
      `${ACCESS_PORT}`,
      ...(hls.listeners.https === undefined ? [] : ['--tls', HLS_TLS_DIRECTORY]),
    ],
    restartPolicy: 'Always',
    ports: [{ name: 'metrics', containerPort: port, protocol: 'TCP' }],
    resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '192Mi' } },
    startupProbe: {
      httpGet: { path: '/readyz', port: 'metrics', scheme: 'HTTP' },
      timeoutSeconds: 3,
      successThreshold: 1,
      periodSeconds: 1,
      failureThreshold: 120,
    },
    securityContext: containerSecurity,
    volumeMounts: mounts(hls),
  };
}

function mounts(hls: Hls): V1VolumeMount[] {
  return [
    { name: 'config', mountPath: HLS_DIRECTORY, readOnly: true },
    { name: 'run', mountPath: RUN_DIRECTORY },
    ...(hls.listeners.https === undefined ? [] : [{ name: 'tls', mountPath: HLS_TLS_DIRECTORY, readOnly: true }]),
  ];
}

function volumes(cluster: EdgeCluster, { cache, listeners: { https } }: Hls): V1Volume[] {
  // nginx looks at the size now and then, and may be above it meanwhile.
  const limitMi = Math.ceil(cache.sizeMi * 1.25) + 64;
  return [
    { name: 'config', configMap: { name: hlsNameOf(cluster), defaultMode: configMode } },
    { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
    {
      name: 'cache',
      emptyDir: { ...(cache.medium === 'Memory' && { medium: 'Memory' }), sizeLimit: `${limitMi}Mi` },
    },
    ...(https === undefined ? [] : [{ name: 'tls', secret: { secretName: https.secretName, defaultMode: keyMode } }]),
  ];
}
