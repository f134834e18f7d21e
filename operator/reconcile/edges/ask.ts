/** One question to an edge, how it is or to move some players, with the credentials that it may take. */

import { type Agent, request as send } from 'node:http';
import { CredentialRefusedError, type EdgeReport, isRefusal, parseAsking, parseEdgeReport } from './report.ts';

/** Value of a header `Authorization`; undefined: none. */
export type Authorization = string | undefined;

export interface Question {
  readonly host: string;
  readonly port: number;
  /** To be tried one after the other, while the edge does not know them. */
  readonly authorizations: readonly Authorization[];
  readonly agent: Agent;
  /** For each answer. */
  readonly timeoutMs: number;
}

/** An edge with a thousand origins answers with less. */
const maxAnswerBytes = 1024 * 1024;

export interface Reply {
  readonly report: EdgeReport;
  /** The one that the edge took. */
  readonly authorization: Authorization;
}

/** Rejects with what a person can read: no answer, not an edge's, or a refusal of all credentials. */
export async function askEdge(question: Question, signal: AbortSignal): Promise<Reply> {
  const { body, authorization } = await exchange(question, 'GET', '/api/v1/edge', signal);
  return { report: parseEdgeReport(body), authorization };
}

/** Players that an edge is to ask to connect again. */
export interface Moving {
  readonly clients: number;
  readonly withinMs: number;
  /** Only those that have been there for so long. */
  readonly olderThanMs: number;
}

/** Has an edge ask some players to connect again; resolves with how many it will. Rejects as `askEdge` does. */
export async function askToMove(question: Question, moving: Moving, signal: AbortSignal): Promise<number> {
  const { clients, withinMs, olderThanMs } = moving;
  const path = `/api/v1/moves?clients=${clients}&within_ms=${withinMs}&older_than_ms=${olderThanMs}`;
  return parseAsking((await exchange(question, 'POST', path, signal)).body);
}

async function exchange(
  question: Question,
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
): Promise<{ readonly body: string; readonly authorization: Authorization }> {
  for (const authorization of question.authorizations) {
    const { status, body } = await answerTo(question, method, path, authorization, signal);
    if (status === 200) return { body, authorization };
    if (!isRefusal(status)) throw new Error(`it answers with HTTP status ${status}`);
    // Another credential would not help.
    if (status !== 401) throw new CredentialRefusedError(status);
  }
  throw new CredentialRefusedError(401);
}

interface Answer {
  /** Of HTTP. */
  readonly status: number;
  readonly body: string;
}

function answerTo(
  { host, port, agent, timeoutMs }: Question,
  method: 'GET' | 'POST',
  path: string,
  authorization: Authorization,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const request = send({ host, port, method, path, headers, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) request.destroy(new Error('its answer is too long for an edge'));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    const timer = setTimeout(() => request.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    request.on('close', () => clearTimeout(timer));
    request.end();
  });
}
