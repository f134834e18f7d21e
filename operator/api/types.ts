/**
 * The EdgeCluster as TypeScript. Fields with a default in the schema are always there: the API server fills them in,
 * and so does `admit` for manifests that never see one.
 */
import type {
  V1Affinity,
  V1EnvVar,
  V1LocalObjectReference,
  V1NetworkPolicyPeer,
  V1ObjectMeta,
  V1PodSecurityContext,
  V1ResourceRequirements,
  V1SecurityContext,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node';

export interface EdgeCluster {
  readonly apiVersion: 'edgecluster.io/v1alpha1';
  readonly kind: 'EdgeCluster';
  readonly metadata: V1ObjectMeta;
  readonly spec: EdgeClusterSpec;
  readonly status?: EdgeClusterStatus;
}

export interface EdgeClusterSpec {
  readonly origins: readonly OriginGroup[];
  /** Default: one vhost, `__defaultVhost__`, for the first group. */
  readonly vhosts: readonly Vhost[];
  readonly listeners: Listeners;
  /** Default 2. Written by the autoscaler through the scale subresource when `autoscaling` is given. */
  readonly replicas: number;
  readonly autoscaling?: Autoscaling;
  readonly service: ServiceSettings;
  readonly pods: PodSettings;
  readonly availability: Availability;
  readonly networkPolicy: NetworkPolicySettings;
  readonly monitoring: Monitoring;
  /** Clients of one edge; default 10000. */
  readonly maxConnections: number;
  readonly logLevel: 'Trace' | 'Debug' | 'Info' | 'Warn' | 'Error';
  /** SRS directives for the top level of edge.conf. */
  readonly extraDirectives?: string;
}

/** Either `servers` or `service`. */
export interface OriginGroup {
  readonly name: string;
  /** `host`, `host:port`, `[v6]:port`. */
  readonly servers?: readonly string[];
  readonly service?: OriginService;
  readonly balance: 'RoundRobin' | 'StreamHash' | 'Failover';
  /** Given: RTMPS. */
  readonly tls?: OriginTls;
  readonly timeouts: OriginTimeouts;
}

export interface OriginService {
  readonly name: string;
  /** Default: the EdgeCluster's. */
  readonly namespace?: string;
  /** Number or name of the Service's port; default 1935. */
  readonly port: number | string;
}

export interface OriginTls {
  /** PEM. */
  readonly caBundle?: string;
  readonly insecureSkipVerify: boolean;
}

export interface OriginTimeouts {
  readonly connectMs: number;
  readonly requestMs: number;
  readonly firstFrameMs: number;
  readonly stallMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface Vhost {
  readonly name: string;
  /** Name of an origin group; default the first. */
  readonly origin?: string;
  /** The vhost at the origin; default the client's. */
  readonly transform?: string;
  readonly tokenTraverse: boolean;
  readonly debugSrsUpnode: boolean;
  readonly minLatency: boolean;
  readonly tcpNodelay: boolean;
  readonly chunkSize: number;
  readonly play: Play;
  readonly publish: Publish;
  readonly httpFlv: HttpFlv;
  readonly hooks?: Hooks;
  readonly failover: Failover;
  /** SRS directives for this vhost. */
  readonly extraDirectives?: string;
}

export interface Play {
  readonly gopCache: boolean;
  readonly gopCacheMaxFrames: number;
  readonly queueLengthSeconds: number;
  readonly timeJitter: 'Full' | 'Zero' | 'Off';
  /** Default 350, or 0 with minLatency. */
  readonly mwLatencyMs?: number;
  /** Default 8, or 0 with minLatency. */
  readonly mwMsgs?: number;
  readonly sendMinIntervalMs: number;
  readonly reduceSequenceHeader: boolean;
}

export interface Publish {
  readonly mr: boolean;
  readonly mrLatencyMs: number;
  readonly firstPacketTimeoutMs: number;
  readonly normalTimeoutMs: number;
  readonly readIntervalMs: number;
}

export interface HttpFlv {
  /** Default true; served by the `http` and `https` listeners. */
  readonly enabled: boolean;
  readonly mount: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  readonly guessHasAv: boolean;
  readonly dropIfNotMatch: boolean;
}

export interface Hooks {
  readonly onConnect?: readonly string[];
  readonly onClose?: readonly string[];
  readonly onPublish?: readonly string[];
  readonly onUnpublish?: readonly string[];
  readonly onPlay?: readonly string[];
  readonly onStop?: readonly string[];
  readonly timeoutMs: number;
}

/** How long clients are kept while something fails, and what is kept for them. */
export interface Failover {
  readonly holdTimeoutMs: number;
  readonly lingerMs: number;
  readonly absentTtlMs: number;
  readonly publishTimeoutMs: number;
  readonly httpFirstFrameTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly redirectMax: number;
  readonly gopCacheMaxBytes: number;
  readonly pushQueueMaxBytes: number;
}

/** Ports of the container, 1024 to 65535, and what the Service shows for them (default: the same). */
export interface Listeners {
  readonly rtmp: Listener;
  readonly rtmps?: TlsListener;
  readonly http: Listener & { readonly enabled: boolean };
  readonly https?: TlsListener;
  readonly api: { readonly port: number };
  readonly exporter: { readonly enabled: boolean; readonly port: number };
}

export interface Listener {
  readonly port: number;
  readonly servicePort?: number;
}

export interface TlsListener extends Listener {
  /** Secret of type kubernetes.io/tls in the EdgeCluster's namespace. */
  readonly secretName: string;
}

export interface Autoscaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** At least one; default: 60 % CPU. */
  readonly targets: AutoscalingTargets;
  readonly scaleDownStabilizationSeconds: number;
}

export interface AutoscalingTargets {
  readonly cpuUtilizationPercent?: number;
  readonly memoryUtilizationPercent?: number;
  /** These need a custom metrics API. */
  readonly playersPerPod?: number;
  readonly sentKbpsPerPod?: number;
}

/** How clients reach the edges. */
export interface ServiceSettings {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly externalTrafficPolicy?: 'Cluster' | 'Local';
  readonly sessionAffinity: 'None' | 'ClientIP';
  readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  readonly loadBalancerClass?: string;
  readonly loadBalancerSourceRanges?: readonly string[];
  readonly nodePorts?: {
    readonly rtmp?: number;
    readonly rtmps?: number;
    readonly http?: number;
    readonly https?: number;
  };
}

export interface PodSettings {
  /** Default: the operator's own. */
  readonly image?: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets?: readonly V1LocalObjectReference[];
  /** Default: requests of 250m CPU and 192Mi memory, a memory limit of 512Mi. */
  readonly resources: V1ResourceRequirements;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly V1Toleration[];
  readonly affinity?: V1Affinity;
  /** Default: spread over nodes and zones, ScheduleAnyway. */
  readonly topologySpreadConstraints?: readonly V1TopologySpreadConstraint[];
  readonly priorityClassName?: string;
  readonly runtimeClassName?: string;
  readonly securityContext?: V1PodSecurityContext;
  readonly containerSecurityContext?: V1SecurityContext;
  readonly env?: readonly V1EnvVar[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default: one of its own, without rights. */
  readonly serviceAccountName?: string;
  /** How long a stopping pod lets present clients finish; default 300. */
  readonly drainSeconds: number;
  readonly hostNetwork: boolean;
}

export interface Availability {
  readonly podDisruptionBudget: {
    readonly enabled: boolean;
    /** One of both; default maxUnavailable 1. */
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
  };
  readonly rollout: {
    /** Default 25%. */
    readonly maxSurge: number | string;
    /** Default 0. */
    readonly maxUnavailable: number | string;
  };
}

export interface NetworkPolicySettings {
  /** Default false. */
  readonly enabled: boolean;
  /** Who may reach RTMP and HTTP; default everybody. */
  readonly clients?: readonly V1NetworkPolicyPeer[];
  /** Who may reach API and metrics; default every pod in the cluster. */
  readonly monitoring?: readonly V1NetworkPolicyPeer[];
}

export interface Monitoring {
  readonly podMonitor: {
    /** Default true: made where the CRD of PodMonitor exists. */
    readonly enabled: boolean;
    readonly intervalSeconds: number;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

export type ConditionType = 'Ready' | 'Progressing' | 'OriginsReachable' | 'Degraded' | 'ConfigValid';

export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
}

export interface EdgeClusterStatus {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** Pods that are not ending. */
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly updatedReplicas?: number;
  /** Pods that are ending and let their clients finish. */
  readonly drainingReplicas?: number;
  /** For the scale subresource. */
  readonly selector?: string;
  readonly players?: number;
  readonly publishers?: number;
  readonly streams?: number;
  readonly sentKbps?: number;
  readonly receivedKbps?: number;
  readonly origins?: readonly OriginStatus[];
  /** For `kubectl get`: reachable origins of all, `2/2`. */
  readonly originsReachable?: string;
  /** Of the edge.conf that the edges are to run. */
  readonly configHash?: string;
  /** Edges that run it. */
  readonly configuredReplicas?: number;
}

export interface OriginStatus {
  /** Name of the group. */
  readonly group: string;
  /** `host:port` */
  readonly server: string;
  /** As most edges see it. */
  readonly state: 'Up' | 'Suspect' | 'Down' | 'Untried';
  /** Edges that cannot reach it. */
  readonly downOn: number;
  readonly reason?: string;
}
