/**
 * The operator: wiring of what talks to Kubernetes, what reconciles, and what is shown of it.
 *
 * A standby keeps no caches: they would cost as much memory and as many watches as the leader's, and filling them takes
 * a second or two of a hand-over that takes 15 s at worst (a leader that died) and none at best (one that was stopped).
 */

import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { ClusterAccess } from './kube/access.ts';
import { type ApiError, KubeApi } from './kube/api.ts';
import { EventRecorder } from './kube/events.ts';
import { LeaderElection, type LeaseOptions } from './kube/lease.ts';
import { OperatorMetrics } from './metrics.ts';
import type { OperatorOptions } from './options.ts';
import { Controller, type Sizes } from './reconcile/controller.ts';
import type { ControllerOptions } from './reconcile/controller-options.ts';
import { portOf, serve } from './serve.ts';
import { version } from './version.ts';

/** Times that tests shorten. */
export interface OperatorTimes {
  readonly lease?: Pick<LeaseOptions, 'leaseMs' | 'renewMs' | 'retryMs'>;
  readonly requestTimeoutMs?: number;
  readonly pollIntervalMs?: number;
  readonly optionalWaitMs?: number;
  readonly definitionEveryMs?: number;
  readonly masterKey?: Partial<Pick<ControllerOptions['masterKey'], 'rotateEveryMs' | 'overlapMs'>>;
}

const dayMs = 86_400_000;

export interface OperatorInput {
  readonly options: OperatorOptions;
  readonly access: ClusterAccess;
  readonly log: Logger;
  readonly times?: OperatorTimes;
}

export class Operator {
  readonly #input: OperatorInput;
  readonly #api: KubeApi;
  readonly #events: EventRecorder;
  readonly #metrics: OperatorMetrics;
  /** While this operator leads. */
  #controller: Controller | undefined;
  #standby = false;
  #server: Server | undefined;

  constructor(input: OperatorInput) {
    const { options, access, log, times } = input;
    this.#input = input;
    this.#metrics = new OperatorMetrics({
      leading: () => this.#controller !== undefined,
      depth: () => this.#controller?.depth ?? 0,
      clusters: () => this.#controller?.clusters ?? [],
      upgrade: () => this.#controller?.upgrade,
    });
    this.#api = new KubeApi(access, {
      userAgent: `edgecluster-operator/${version}`,
      onRequest: (report) => {
        this.#metrics.requested(report);
        if (report.status >= 200 && report.status < 300) this.#standby = true;
      },
      ...(times?.requestTimeoutMs !== undefined && { requestTimeoutMs: times.requestTimeoutMs }),
    });
    this.#events = new EventRecorder(this.#api, {
      component: 'edgecluster.io/operator',
      instance: options.identity,
      onProblem: (error) => log.debug({ err: error.message }, 'an event could not be written'),
    });
  }

  /** Port of `/metrics`; undefined while it does not listen. */
  get port(): number | undefined {
    return this.#server && portOf(this.#server);
  }

  /** What is kept in memory; undefined while another leads. */
  get sizes(): Sizes | undefined {
    return this.#controller?.sizes;
  }

  /** A leader with filled caches, or a standby that has reached the API server. */
  get ready(): boolean {
    return this.#controller === undefined ? this.#standby : this.#controller.synced;
  }

  /**
   * Runs until the signal aborts; then finishes what is under way, releases the lease and resolves.
   * Rejects when it cannot listen, or with what is a mistake of ours.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { options, log } = this.#input;
    this.#server = await serve(options.listen, {
      ready: () => this.ready,
      metrics: () => this.#metrics.text(),
      metricsType: this.#metrics.contentType,
    });
    try {
      if (options.leaderElection) await this.#elect(signal);
      else await this.#lead(signal);
    } finally {
      await this.#events.close();
      this.#api.close();
      this.#server.closeAllConnections();
      this.#server.close();
      log.info('stopped');
    }
  }

  async #elect(signal: AbortSignal): Promise<void> {
    const { options, log, times } = this.#input;
    const { leaseNamespace: namespace, leaseName: name, identity, formerIdentityPrefix: deadPrefix } = options;
    const onProblem = ({ message }: ApiError) => log.warn({ err: message }, 'the lease cannot be had or renewed');
    const election = new LeaderElection(this.#api, {
      namespace,
      name,
      identity,
      deadPrefix,
      onProblem,
      ...times?.lease,
    });
    log.info({ lease: `${namespace}/${name}`, identity }, 'waiting to lead');
    await election.run(signal, (leading) => this.#lead(leading));
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { options, log, times } = this.#input;
    log.info('leading');
    const settings: ControllerOptions = {
      api: this.#api,
      namespaces: options.namespaces,
      edgeImage: options.edgeImage,
      upgradePace: options.upgradePace,
      watchSecrets: options.watchSecrets,
      requireConsent: options.requireConsent,
      masterKey: {
        namespace: options.leaseNamespace,
        name: options.masterKeySecret,
        rotateEveryMs: options.rotateEveryDays && options.rotateEveryDays * dayMs,
        ...times?.masterKey,
      },
      notify: (...event) => this.#events.record(...event),
      log,
      reconciled: this.#metrics.reconciled,
      waited: this.#metrics.waited,
      ...(times?.pollIntervalMs !== undefined && { pollIntervalMs: times.pollIntervalMs }),
      ...(times?.definitionEveryMs !== undefined && { definitionEveryMs: times.definitionEveryMs }),
      ...(times?.optionalWaitMs !== undefined && { optionalWaitMs: times.optionalWaitMs }),
    };
    this.#controller = new Controller(settings, signal);
    try {
      await this.#controller.run();
    } finally {
      this.#controller = undefined;
      log.info('leads no longer');
    }
  }
}

/** Runs an operator until the signal aborts. */
export function runOperator(input: OperatorInput, signal: AbortSignal): Promise<void> {
  return new Operator(input).run(signal);
}
