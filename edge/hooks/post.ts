/**
 * One HTTP callback: a JSON object is posted, and the answer says yes or no. What counts as yes is SRS's rule
 * (`trunk/conf/full.conf`, `http_hooks`): status 200 or 201, and a body that is `0` or an object whose `code` is 0.
 */

import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { http, https } from '../node-http.ts';
import { DeadlineSignal } from '../time/deadline-signal.ts';
import { version } from '../version.ts';

/** An answer is a number or a small object; who sends more than this is no callback. */
const answerMaxBytes = 64 * 1024;
/** Of an answer, for messages. */
const quotedChars = 200;

/**
 * Connections are kept: callbacks come in bursts, one for each client of a popular stream. A server of callbacks that
 * hangs must not use up the descriptors of the process.
 */
const agentOptions = { keepAlive: true, maxSockets: 128 };
const httpAgent = new http.Agent(agentOptions);
const httpsAgent = new https.Agent(agentOptions);

/** Why a callback is no yes. */
export class HookError extends Error {
  override readonly name = 'HookError';
  /** - `refused`: it said no; `failed`: it was not there, not in time, or made no sense. */
  readonly kind: 'refused' | 'failed';

  constructor(kind: HookError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Posts `body` and resolves if the answer is yes.
 * @param timeoutMs for all of it, from the look-up of the name to the last byte of the answer
 * @param cancelled gives it up at once
 * @throws HookError otherwise; its message does not name the URL
 */
export async function postHook(url: string, body: object, timeoutMs: number, cancelled: AbortSignal): Promise<void> {
  judge(await askHook(url, body, timeoutMs, cancelled));
}

/**
 * Posts `body`; resolves with the text of an answer with status 200 or 201.
 * @param timeoutMs as in `postHook`
 * @throws HookError otherwise
 */
export async function askHook(url: string, body: object, timeoutMs: number, cancelled: AbortSignal): Promise<string> {
  const { status, text } = await post(url, body, timeoutMs, cancelled);
  if (status !== 200 && status !== 201) throw new HookError('refused', `answered with status ${status}`);
  return text;
}

/**
 * Posts `body`; resolves with the answer, whatever it says.
 * @param timeoutMs as in `postHook`
 * @throws HookError where there is none
 */
export async function post(url: string, body: object, timeoutMs: number, cancelled: AbortSignal): Promise<Answer> {
  const deadline = new DeadlineSignal(timeoutMs);
  const bytes = Buffer.from(JSON.stringify(body));
  try {
    return await request(new URL(url), bytes, AbortSignal.any([deadline.signal, cancelled]));
  } catch (error) {
    if (error instanceof HookError) throw error;
    if (deadline.signal.aborted) throw new HookError('failed', `no answer in ${timeoutMs} ms`);
    throw new HookError('failed', describe(error), { cause: error });
  } finally {
    deadline.stop();
  }
}

/** A callback's URL as logs may show it: credentials and parameters are the operator's secret. */
export function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Throws a HookError unless the answer is yes. */
function judge(text: string): void {
  const trimmed = text.trim();
  if (trimmed === '0') return;
  if (trimmed === '') throw new HookError('failed', 'answered with an empty body; 0 or {"code": 0} is expected');
  const code = codeOf(trimmed);
  if (code === 0) return;
  if (code === undefined) {
    throw new HookError('failed', `answered ${quote(trimmed)}; 0 or {"code": 0} is expected`);
  }
  throw new HookError('refused', `refused with code ${code}`);
}

/** The number that the answer is, or that its `code` is; undefined if there is none. */
function codeOf(text: string): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === 'object' && value !== null && 'code' in value) value = value.code;
  return typeof value === 'number' ? value : undefined;
}

function request(url: URL, body: Buffer, signal: AbortSignal): Promise<Answer> {
  const secure = url.protocol === 'https:';
  const options: RequestOptions = {
    method: 'POST',
    agent: secure ? httpsAgent : httpAgent,
    signal,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'User-Agent': `edgecluster/${version}`,
    },
  };
  return new Promise((resolve, reject) => {
    const sent = (secure ? https : http).request(url, options, (response) => {
      readAnswer(response).then(resolve, reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed a kept connection just when it was used again: it has not seen the request.
      if (sent.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted) {
        request(url, body, signal).then(resolve, reject);
      } else reject(error);
    });
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the response.
    if (size > answerMaxBytes) throw new HookError('failed', `answered with more than ${answerMaxBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

function quote(text: string): string {
  return JSON.stringify(text.length > quotedChars ? `${text.slice(0, quotedChars)}…` : text);
}

/** Node wraps the failures of all addresses of a name into one error without a message. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
