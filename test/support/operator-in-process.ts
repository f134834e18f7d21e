/** An operator in this process, at work on a real Kubernetes API. */

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { kubeConfigAccess } from '../../operator/kube/access.ts';
import { Operator, type OperatorTimes } from '../../operator/operator.ts';
import type { OperatorOptions } from '../../operator/options.ts';
import type { Sizes } from '../../operator/reconcile/controller.ts';
import type { Kubernetes } from './kubernetes.ts';
import { operatorOptions } from './operator-options.ts';

type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

export interface OperatorSettings {
  /** That it looks after, and where its lease and its master key are. */
  readonly namespace: string;
  readonly options?: Partial<OperatorOptions>;
  readonly times?: OperatorTimes;
}

export class OperatorInProcess {
  readonly operator: Operator;
  readonly log: LogLine[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(kubernetes: Kubernetes, { namespace, options, times }: OperatorSettings) {
    this.operator = new Operator({
      options: operatorOptions(namespace, { namespaces: [namespace], ...options }),
      access: kubeConfigAccess(kubernetes.config()),
      ...(times && { times }),
      log: pino({ base: null }, { write: (line: string) => this.log.push(JSON.parse(line) as LogLine) }),
    });
    this.#ended = this.operator.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Requests that it has made since its start, by `verb resource`; leases and events are not looked at. */
  async requests(verbs: readonly string[]): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { verb, resource, count } of await this.#counted()) {
      if (!verbs.includes(verb) || ['leases', 'events'].includes(resource)) continue;
      counts[`${verb} ${resource}`] = (counts[`${verb} ${resource}`] ?? 0) + count;
    }
    return counts;
  }

  /** How many of its requests nobody answered. @param what `verb resource` */
  async unanswered(what: string): Promise<number> {
    const counted = await this.#counted();
    return counted.find((one) => `${one.verb} ${one.resource}` === what && one.code === '0')?.count ?? 0;
  }

  writes(): Promise<Record<string, number>> {
    return this.requests(['create', 'apply', 'patch', 'delete']);
  }

  /** Waits until it has had nothing to do for a while. */
  idle(): Promise<void> {
    return this.#until(({ busy }) => busy === 0);
  }

  /** The same, and nothing waits for its time. */
  atRest(): Promise<void> {
    return this.#until(({ queue }) => queue === 0);
  }

  async #until(test: (sizes: Sizes) => boolean): Promise<void> {
    for (let quiet = 0; quiet < 10; ) {
      await sleep(50);
      const { sizes, ready } = this.operator;
      quiet = ready && sizes !== undefined && test(sizes) ? quiet + 1 : 0;
    }
  }

  async #counted() {
    const text = await (await fetch(`http://127.0.0.1:${this.operator.port}/metrics`)).text();
    const line = /^edgecluster_operator_api_requests_total\{verb="(\w+)",resource="(\w+)",code="(\d+)"\} (\d+)$/gm;
    return [...text.matchAll(line)].map(([, verb = '', resource = '', code = '', count]) => ({
      verb,
      resource,
      code,
      count: Number(count),
    }));
  }
}
