/**
 * `edgecluster hls-agent`: runs beside the nginx of a cache, in its pod. See hls/agent.ts.
 *
 * Exit codes: 0 ended by a signal; 1 it could not start; 2 wrong arguments.
 */
import { once } from 'node:events';
import { parseArguments } from '../edge/conf/arguments.ts';
import { runCommand } from './command-line.ts';
import { HlsAgent } from './hls/agent.ts';
import { serve } from './serve.ts';

const usage = `usage: edgecluster hls-agent --config DIR --run DIR [options]

Runs beside the nginx of a cache of HLS: looks up where origins are, has nginx read what changed, and serves metrics.

      --config DIR        nginx.conf and origins.json, as the operator renders them
      --run DIR           shared with nginx: addresses of origins, its pid and status
      --tls DIR           tls.crt and tls.key; default: no HTTPS
      --listen [HOST]:PORT   metrics, /healthz and /readyz; default :9972
      --access-port PORT  UDP port for nginx's access log; default 5140

Example: edgecluster hls-agent --config /etc/hls --run /run/hls`;

interface Options {
  readonly config: string;
  readonly run: string;
  readonly tls: string | undefined;
  readonly listen: { readonly host: string | undefined; readonly port: number };
  readonly accessPort: number;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArguments({
    args: [...args],
    options: {
      config: { type: 'string' },
      run: { type: 'string' },
      tls: { type: 'string' },
      listen: { type: 'string', default: ':9972' },
      'access-port': { type: 'string', default: '5140' },
    },
  });
  const { config, run, tls, listen } = values;
  if (config === undefined || run === undefined) throw new Error('which directories? Say --config DIR and --run DIR');
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, Math.max(0, at)).replace(/^\[|\]$/g, '');
  return {
    config,
    run,
    tls,
    listen: { host: host === '' ? undefined : host, port: portOf('--listen', listen.slice(at + 1)) },
    accessPort: portOf('--access-port', values['access-port']),
  };
}

function portOf(option: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`${option}: "${text}" is no port`);
  return port;
}

/** Runs the command with the arguments after its name; resolves with the exit code. */
export function hlsAgent(args: readonly string[]): Promise<number> {
  return runCommand(args, { usage, read: readOptions, run });
}

async function run({ config, run, tls, listen, accessPort }: Options): Promise<number> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);
  const agent = new HlsAgent({ configDirectory: config, runDirectory: run, tlsDirectory: tls, accessPort, log });
  try {
    await agent.start();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
  const { metrics } = agent;
  const server = await serve(listen, {
    ready: () => true,
    metrics: () => metrics.text(),
    metricsType: metrics.contentType,
  });
  log('nginx may start');
  if (!end.signal.aborted) await once(end.signal, 'abort');
  server.closeAllConnections();
  server.close();
  await agent.stop();
  return 0;
}
