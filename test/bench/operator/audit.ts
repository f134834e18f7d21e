/** What the operator asked of the API server, by the API server's own audit log. */
import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { operatorUser } from './manifests.ts';

const FLUSH_MS = 500;

/** Arguments of kube-apiserver; the log is in the folder. */
export function auditArgs(folder: string): readonly string[] {
  const policy = path.join(folder, 'audit-policy.json');
  writeFileSync(
    policy,
    JSON.stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [{ level: 'Metadata', users: [operatorUser] }, { level: 'None' }],
    }),
  );
  return [
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${path.join(folder, 'audit.log')}`,
    // Writing each line by itself would slow the API server down.
    '--audit-log-mode=batch',
    `--audit-log-batch-max-wait=${FLUSH_MS}ms`,
  ];
}

export interface Counts {
  readonly writes: number;
  readonly reads: number;
  readonly watches: number;
  /** Of the writes, those of the status of an EdgeCluster. */
  readonly statuses: number;
}

interface AuditEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
}

export class Audit {
  readonly #file: string;
  #position = 0;
  #rest = '';
  #writes = 0;
  #reads = 0;
  #watches = 0;
  #statuses = 0;
  #lastMs = performance.now();

  constructor(folder: string) {
    this.#file = path.join(folder, 'audit.log');
  }

  /** All so far. The Lease, which is renewed for ever, does not count. */
  counts(): Counts {
    this.#read();
    return { writes: this.#writes, reads: this.#reads, watches: this.#watches, statuses: this.#statuses };
  }

  /** Resolves when all that happened until now is in the log. */
  async settled(): Promise<void> {
    await sleep(FLUSH_MS * 2);
    this.#read();
  }

  /** Resolves when nothing was written or read for so long. */
  async quiet(ms: number): Promise<void> {
    this.#lastMs = performance.now();
    while (performance.now() - this.#lastMs < ms) {
      await sleep(FLUSH_MS);
      this.#read();
    }
  }

  #read(): void {
    if (!existsSync(this.#file)) return;
    const file = openSync(this.#file, 'r');
    const buffer = Buffer.alloc(1 << 20);
    for (let size = 1; size > 0; ) {
      size = readSync(file, buffer, 0, buffer.length, this.#position);
      this.#position += size;
      this.#rest += buffer.toString('latin1', 0, size);
      const lines = this.#rest.split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#count(JSON.parse(line) as AuditEvent);
    }
    closeSync(file);
  }

  #count({ verb, stage, objectRef }: AuditEvent): void {
    if (objectRef?.resource === 'leases') return;
    // A watch is told when it begins and when it ends.
    if (verb === 'watch') {
      if (stage === 'ResponseStarted') this.#watches++;
      return;
    }
    if (stage !== 'ResponseComplete') return;
    if (verb === 'get' || verb === 'list') this.#reads++;
    else this.#writes++;
    if (objectRef?.resource === 'edgeclusters' && objectRef.subresource === 'status') this.#statuses++;
    this.#lastMs = performance.now();
  }
}
