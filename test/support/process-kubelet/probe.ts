/** Probes of a container, over HTTP or TCP, as often and as patiently as the pod says. */

import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Container, V1Probe } from '@kubernetes/client-node';

/**
 * Probes until aborted and tells each verdict that differs from the last: true once `successThreshold` probes in a row
 * went well, false once `failureThreshold` did not.
 */
export async function watchProbe(
  probe: V1Probe,
  container: V1Container,
  address: string,
  signal: AbortSignal,
  verdict: (good: boolean) => void,
): Promise<void> {
  const { periodSeconds = 10, successThreshold = 1, failureThreshold = 3, initialDelaySeconds = 0 } = probe;
  let [inARow, last, told] = [0, false, undefined as boolean | undefined];
  const sleep = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
  await sleep(initialDelaySeconds * 1000);
  while (!signal.aborted) {
    const good = await probeOnce(probe, container, address, signal);
    if (signal.aborted) return;
    inARow = good === last ? inARow + 1 : 1;
    last = good;
    if (good !== told && inARow >= (good ? successThreshold : failureThreshold)) {
      told = good;
      verdict(good);
    }
    await sleep(periodSeconds * 1000);
  }
}

function probeOnce(probe: V1Probe, container: V1Container, address: string, signal: AbortSignal): Promise<boolean> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet !== undefined) {
    const { path = '/', port, scheme = 'HTTP', host = address } = probe.httpGet;
    return getOnce(`${scheme.toLowerCase()}://${host}:${portNumber(container, port)}${path}`, timeoutMs, signal);
  }
  if (probe.tcpSocket !== undefined) {
    return connectOnce(portNumber(container, probe.tcpSocket.port), address, timeoutMs);
  }
  throw new Error('this kubelet probes over HTTP and TCP only');
}

function getOnce(url: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent: false as const, timeout: timeoutMs, signal };
    const answered = (response: { statusCode?: number | undefined; resume(): unknown }): void => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400);
    };
    const request = url.startsWith('https:')
      ? getHttps(url, { ...options, rejectUnauthorized: false }, answered)
      : getHttp(url, options, answered);
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function connectOnce(port: number, host: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const end = (good: boolean) => () => {
      socket.destroy();
      resolve(good);
    };
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false));
  });
}

function portNumber(container: V1Container, port: string | number): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  if (named === undefined) throw new Error(`container ${container.name} has no port ${port}`);
  return named;
}
