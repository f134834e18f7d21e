/**
 * One HTTP callback: a JSON object is posted, and the answer says yes or no. What counts as yes is SRS's rule
 * (`trunk/conf/full.conf`, `http_hooks`): status 200 or 201, and a body that is `0` or an object whose `code` is 0.
 */

import { type Answer, exchange } from '../net/exchange.ts';

/** An answer is a number or a small object; who sends more than this is no callback. */
const answerMaxBytes = 64 * 1024;
/** Of an answer, for messages. */
const quotedChars = 200;

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

/**
 * Posts `body` and resolves if the answer is yes.
 * @param timeoutMs as in `exchange`
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
  if (status === 200 || status === 201) return text;
  // 5xx: the server, or a proxy whose server is not there, says that it cannot tell.
  throw new HookError(status >= 500 ? 'failed' : 'refused', `answered with status ${status}`);
}

/**
 * Posts `body`; resolves with the answer, whatever it says.
 * @param timeoutMs as in `postHook`
 * @throws HookError where there is none
 */
export async function post(url: string, body: object, timeoutMs: number, cancelled: AbortSignal): Promise<Answer> {
  const bytes = Buffer.from(JSON.stringify(body));
  try {
    return await exchange(url, { body: bytes, timeoutMs, answerMaxBytes }, cancelled);
  } catch (error) {
    const { message, cause } = error as Error;
    throw new HookError('failed', message, { cause });
  }
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

function quote(text: string): string {
  return JSON.stringify(text.length > quotedChars ? `${text.slice(0, quotedChars)}…` : text);
}
