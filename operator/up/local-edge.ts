/**
 * One edge as a child process: what a pod is in a cluster. All edges share one configuration file; where each of them
 * listens comes by environment variables, as edge/conf/env.ts reads them.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Listeners } from '../api/types.ts';
import type { ApiCredential } from '../render/credential.ts';
import { findAddress } from './address.ts';

/** `host:port` of each listener that is on. */
export interface EdgeAddresses {
  readonly rtmp: string;
  readonly rtmps?: string;
  readonly http?: string;
  readonly https?: string;
  readonly api: string;
  readonly exporter?: string;
}

/** Runs as this file does: as source or compiled. */
/** TypeScript in a checkout, JavaScript in a build. */
const edgeProgram = fileURLToPath(import.meta.resolve(`#edge/main${extname(import.meta.filename)}`));
const startupProbeMs = 50;

/** Ports of edges on one machine are this far from each other. */
const portStep = 10;

/** Where the edge with this number (from 0) listens, near the ports that the EdgeCluster asks for. */
export async function findAddresses(listeners: Listeners, number: number, host: string): Promise<EdgeAddresses> {
  const { rtmp, rtmps, http, https, api, exporter } = listeners;
  const find = (port: number): Promise<string> => findAddress(host, port + number * portStep);
  return {
    rtmp: await find(rtmp.port),
    api: await find(api.port),
    ...(rtmps && { rtmps: await find(rtmps.port) }),
    ...(http.enabled && { http: await find(http.port) }),
    ...(https && { https: await find(https.port) }),
    ...(exporter.enabled && { exporter: await find(exporter.port) }),
  };
}

function environmentOf(name: string, { rtmp, rtmps, http, https, api, exporter }: EdgeAddresses): NodeJS.ProcessEnv {
  return {
    SRS_SERVER_ID: name,
    SRS_LISTEN: rtmp,
    SRS_RTMPS_LISTEN: rtmps,
    SRS_HTTP_SERVER_LISTEN: http,
    SRS_HTTP_SERVER_HTTPS_LISTEN: https,
    SRS_HTTP_API_LISTEN: api,
    SRS_EXPORTER_LISTEN: exporter,
  };
}

export interface LocalEdgeOptions {
  readonly name: string;
  readonly configFile: string;
  /** Its log is added to this file. */
  readonly logFile: string;
  readonly addresses: EdgeAddresses;
  /** For its API. */
  readonly credential: ApiCredential;
  /** Variables beside those that say where it listens. */
  readonly environment: NodeJS.ProcessEnv;
}

export class LocalEdge {
  readonly name: string;
  readonly addresses: EdgeAddresses;
  /** For its API. */
  readonly credential: ApiCredential;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  private constructor({ name, configFile, logFile, addresses, credential, environment }: LocalEdgeOptions) {
    this.name = name;
    this.addresses = addresses;
    this.credential = credential;
    this.#child = spawn(process.execPath, [...process.execArgv, edgeProgram, '-c', configFile], {
      env: { ...process.env, ...environment, ...environmentOf(name, addresses) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches this process alone: it ends its edges itself.
      detached: true,
    });
    const log = createWriteStream(logFile, { flags: 'a' });
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    const kill = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', kill);
    // An edge that cannot be started at all has no exit.
    this.ended = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]).then(() => {
      process.off('exit', kill);
      log.end();
    });
  }

  /** Starts an edge; resolves when it is ready for clients. Throws with what it said when it ends instead. */
  static async start(options: LocalEdgeOptions): Promise<LocalEdge> {
    const edge = new LocalEdge(options);
    let said = '';
    const listen = (bytes: Buffer): void => {
      said = bytes.toString();
    };
    edge.#child.stdout?.on('data', listen);
    edge.#child.stderr?.on('data', listen);
    const over = new AbortController();
    const failed = edge.ended.then(() => {
      throw new Error(`${options.name} ended while starting: ${said.trim() || 'it said nothing'}`);
    });
    try {
      await Promise.race([edge.#ready(over.signal), failed]);
    } finally {
      over.abort();
      failed.catch(() => {});
      edge.#child.stdout?.off('data', listen);
      edge.#child.stderr?.off('data', listen);
    }
    return edge;
  }

  /** Asks as a kubelet's start-up probe does. */
  async #ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      const answer = await fetch(`http://${this.addresses.api}/readyz`, { signal }).catch(() => undefined);
      if (answer?.ok === true || signal.aborted) return;
      await delay(startupProbeMs, undefined, { signal }).catch(() => {});
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Lets present clients finish. */
  drain(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends it at once; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
