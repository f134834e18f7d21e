/** Metrics of the operator, for Prometheus. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EdgeCluster } from './api/types.ts';
import type { RequestReport } from './kube/api.ts';
import type { Result } from './reconcile/controller-options.ts';
import type { UpgradeCounts } from './reconcile/rollout/turns.ts';
import { replicasOf } from './render/replicas.ts';

/** What is read when Prometheus asks. */
export interface Readings {
  readonly leading: () => boolean;
  /** EdgeClusters that wait for a worker. */
  readonly depth: () => number;
  /** Those that this operator looks after: none while another leads. */
  readonly clusters: () => Iterable<EdgeCluster>;
  /** Undefined while another leads. */
  readonly upgrade: () => UpgradeCounts | undefined;
}

const prefix = 'edgecluster_operator_';

const results: readonly Result[] = ['settled', 'later', 'failed'];

export class OperatorMetrics {
  readonly #registry = new Registry();
  readonly #reconciles: Counter<'result'>;
  readonly #reconcileSeconds: Histogram;
  readonly #queueSeconds: Histogram;
  readonly #requests: Counter<'verb' | 'resource' | 'code'>;
  readonly #requestSeconds: Histogram<'verb'>;

  constructor(readings: Readings) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix });
    this.#reconciles = new Counter({
      name: `${prefix}reconciles_total`,
      help: 'Reconciles of an EdgeCluster: settled, later (something waits for its time) or failed.',
      labelNames: ['result'],
      registers,
    });
    // From 0 on, so that the first one counts as an increase.
    for (const result of results) this.#reconciles.inc({ result }, 0);
    this.#reconcileSeconds = new Histogram({
      name: `${prefix}reconcile_duration_seconds`,
      help: 'Time that a reconcile took.',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    });
    this.#queueSeconds = new Histogram({
      name: `${prefix}queue_latency_seconds`,
      help: 'Time that an EdgeCluster waited for a worker.',
      buckets: [0.001, 0.01, 0.1, 1, 10, 60],
      registers,
    });
    this.#requests = new Counter({
      name: `${prefix}api_requests_total`,
      help: 'Requests to the Kubernetes API; code 0: no answer.',
      labelNames: ['verb', 'resource', 'code'],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: `${prefix}api_request_duration_seconds`,
      help: 'Time until the Kubernetes API had answered.',
      labelNames: ['verb'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 30],
      registers,
    });
    new Gauge({
      name: `${prefix}leader`,
      help: '1 while this operator is the one that acts.',
      registers,
      collect() {
        this.set(readings.leading() ? 1 : 0);
      },
    });
    new Gauge({
      name: `${prefix}queue_depth`,
      help: 'EdgeClusters that wait for a worker.',
      registers,
      collect() {
        this.set(readings.depth());
      },
    });
    const edges = (name: string, help: string, count: (cluster: EdgeCluster) => number | undefined): void => {
      new Gauge({
        name: `${prefix}${name}`,
        help,
        labelNames: ['namespace', 'name'],
        registers,
        collect() {
          this.reset();
          for (const cluster of readings.clusters()) {
            const { namespace = '', name = '' } = cluster.metadata;
            const value = count(cluster);
            if (value !== undefined) this.set({ namespace, name }, value);
          }
        },
      });
    };
    edges('wanted_edges', 'Edges that an EdgeCluster is to have.', replicasOf);
    edges('ready_edges', 'Edges of an EdgeCluster that take clients.', ({ status }) => status?.readyReplicas);
    edges(
      'needed_edges',
      'Edges that the clients of an EdgeCluster need by its targets, whatever its limits; only where clients are a target.',
      ({ status }) => status?.neededReplicas,
    );
    edges(
      'players_per_edge',
      'Players of an EdgeCluster, for each edge that takes clients; nothing while none does.',
      ({ status }) => average(status?.players, status?.readyReplicas),
    );
    edges(
      'publishers_per_edge',
      'Publishers of an EdgeCluster, for each edge that takes clients; nothing while none does.',
      ({ status }) => average(status?.publishers, status?.readyReplicas),
    );
    new Gauge({
      name: `${prefix}upgrade_clusters`,
      help: 'EdgeClusters that wait for pods as this operator wants them, are getting them, or get them and do not become ready (halted, which stops the others).',
      labelNames: ['state'],
      registers,
      collect() {
        for (const [state, count] of Object.entries(readings.upgrade() ?? {})) this.set({ state }, count);
      },
    });
    new Gauge({
      name: `${prefix}condition`,
      help: 'Conditions of EdgeClusters: 1 for True, 0 for False, nothing for Unknown.',
      labelNames: ['namespace', 'name', 'type'],
      registers,
      collect() {
        this.reset();
        for (const { metadata, status } of readings.clusters()) {
          const { namespace = '', name = '' } = metadata;
          for (const { type, status: value } of status?.conditions ?? [])
            if (value !== 'Unknown') this.set({ namespace, name, type }, Number(value === 'True'));
        }
      },
    });
  }

  readonly reconciled = (result: Result, durationMs: number): void => {
    this.#reconciles.inc({ result });
    this.#reconcileSeconds.observe(durationMs / 1000);
  };

  readonly waited = (ms: number): void => this.#queueSeconds.observe(ms / 1000);

  readonly requested = ({ verb, resource, status, durationMs }: RequestReport): void => {
    this.#requests.inc({ verb, resource: resource.plural, code: String(status) });
    this.#requestSeconds.observe({ verb }, durationMs / 1000);
  };

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

function average(sum: number | undefined, edges = 0): number | undefined {
  return sum === undefined || edges === 0 ? undefined : sum / edges;
}
