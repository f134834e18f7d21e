/**
 * One request by HTTP to a server of the operator's own: for callbacks, heartbeats and keys of tokens. Time and size of
 * the answer are bounded, whatever the server does.
 */

import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { http, https } from '../node-http.ts';
import { DeadlineSignal } from '../time/deadline-signal.ts';
import { version } from '../version.ts';
import { SharedLookUp } from './host-lookup.ts';

/**
 * Connections are kept: callbacks come in bursts, one for each client of a popular stream. A server that hangs must not
 * use up the descriptors of the process, and a name that DNS is silent about must not hold up all other look-ups:
 * connections that wait for the same name share one.
 */
const agentOptions = { keepAlive: true, maxSockets: 128, lookup: new SharedLookUp().lookup };
const httpAgent = new http.Agent(agentOptions);
const httpsAgent = new https.Agent(agentOptions);

export interface Ask {
  /** JSON to post; without it, the request is a GET. */
  readonly body?: Buffer;
  /** For all of it, from the look-up of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly answerMaxBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Resolves with the answer, whatever it says.
 * @param url may hold a user name and a password
 * @param cancelled gives it up at once
 * @throws Error where there is none; its message does not name the URL
 */
export async function exchange(url: string, ask: Ask, cancelled?: AbortSignal): Promise<Answer> {
  const deadline = new DeadlineSignal(ask.timeoutMs);
  const { signal } = deadline;
  try {
    return await request(new URL(url), ask, cancelled === undefined ? signal : AbortSignal.any([signal, cancelled]));
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer in ${ask.timeoutMs} ms`);
    throw new Error(describe(error), { cause: error });
  } finally {
    deadline.stop();
  }
}

/** A URL as logs and the API may show it: credentials and parameters are the operator's secret. */
export function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function request(url: URL, ask: Ask, signal: AbortSignal): Promise<Answer> {
  const { body, answerMaxBytes } = ask;
  const secure = url.protocol === 'https:';
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    agent: secure ? httpsAgent : httpAgent,
    signal,
    headers: {
      ...(body === undefined
        ? { Accept: 'application/json' }
        : { 'Content-Type': 'application/json', 'Content-Length': body.length }),
      'User-Agent': `edgecluster/${version}`,
    },
  };
  return new Promise((resolve, reject) => {
    let isOver = false;
    const sent = (secure ? https : http).request(url, options, (response) => {
      isOver = true;
      readAnswer(response, answerMaxBytes).then(resolve, reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      isOver = true;
      // The server closed a kept connection just when it was used again: it has not seen the request.
      if (sent.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) {
        request(url, ask, signal).then(resolve, reject);
      } else reject(error);
    });
    // A server that takes the request for another protocol's (status 101) ends it without an error.
    sent.on('close', () => {
      if (!isOver) reject(new Error('closed without an answer of HTTP'));
    });
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the response.
    if (size > maxBytes) throw new Error(`answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/** Node wraps the failures of all addresses of a name into one error without a message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
