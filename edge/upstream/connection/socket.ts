/**
 * The TCP or TLS connection to an origin. A host name is looked up again when its last answer is a second old. Of its
 * addresses, IPv6 and IPv4 in turn, the next is tried where one has not answered in 250 ms (RFC 8305), as Node does by
 * itself: a family that leads nowhere costs a client that and no more.
 */

import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { outOfDescriptors } from '../../budget/descriptors.ts';
import type { OriginAddress } from '../../conf/model.ts';
import { SharedLookUp } from '../../net/host-lookup.ts';
import { Deadline } from '../../time/deadline.ts';
import { isTls, originName } from './address.ts';
import { toUpstreamError, UpstreamError } from './errors.ts';
import { OriginTls } from './origin-tls.ts';

const sharedLookUp = new SharedLookUp();
const originTls = new OriginTls();

export interface SocketOptions {
  readonly connectTimeoutMs: number;
  /** Silence before TCP probes the connection; 0 never does. */
  readonly keepaliveMs: number;
  /** For TLS: verify the origin's certificate, with these authorities beside the system's. */
  readonly tlsVerify: boolean;
  readonly tlsCaFile: string;
  /** The name that its certificate is for; empty for its host. */
  readonly tlsName: string;
}

export interface DialOptions {
  /** Looks the host's name up. */
  readonly lookup?: LookupFunction;
  /** Where what is read goes; without it the socket emits it. */
  readonly onread?: OnReadOpts;
}

/** Connects, or throws an UpstreamError `unreachable`; `cancelled` when the signal says so. */
export async function openSocket(
  address: OriginAddress,
  options: SocketOptions,
  signal: AbortSignal,
  dialOptions: DialOptions = {},
): Promise<Socket> {
  const origin = originName(address);
  if (signal.aborted) throw new UpstreamError('cancelled', 'cancelled', { origin });
  let socket: Socket;
  try {
    socket = dial(address, options, { lookup: sharedLookUp.lookup, ...dialOptions });
  } catch (error) {
    throw connectError(error, origin);
  }
  const ready = isTls(address) ? 'secureConnect' : 'connect';
  return new Promise((resolve, reject) => {
    const fail = (error: UpstreamError): void => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onReady = (): void => {
      settle();
      // Media leaves in merged writes: waiting for more to send gains nothing.
      socket.setNoDelay(true);
      socket.setKeepAlive(options.keepaliveMs > 0, options.keepaliveMs);
      resolve(socket);
    };
    const onError = (error: Error): void => fail(connectError(error, origin));
    const onAbort = (): void => fail(new UpstreamError('cancelled', 'cancelled', { origin }));
    const deadline = new Deadline(() => {
      const message = `no connection within connect_timeout ${options.connectTimeoutMs} ms`;
      fail(new UpstreamError('unreachable', message, { origin }));
    });
    deadline.start(options.connectTimeoutMs);
    const settle = (): void => {
      deadline.stop();
      signal.removeEventListener('abort', onAbort);
      socket.off(ready, onReady);
      socket.off('error', onError);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(ready, onReady);
    socket.once('error', onError);
  });
}

function connectError(error: unknown, origin: string): UpstreamError {
  if (!isForWantOfDescriptors(error)) return toUpstreamError(error, 'unreachable', origin);
  const message = 'this edge has no file descriptors left to connect with; let it have more (ulimit -n)';
  return new UpstreamError('exhausted', message, { origin, cause: error });
}

function isForWantOfDescriptors(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isForWantOfDescriptors);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE') return true;
  // A name that cannot be looked up for want of descriptors looks like one that does not exist.
  return syscall === 'getaddrinfo' && outOfDescriptors();
}

function dial(address: OriginAddress, options: SocketOptions, dialOptions: DialOptions): Socket {
  const { host, port } = address;
  const { tlsVerify, tlsCaFile } = options;
  const tlsName = options.tlsName || (address.tlsName ?? host);
  if (!isTls(address)) return connectTcp({ host, port, ...dialOptions });
  const servername = isIP(tlsName) === 0 ? { servername: tlsName } : {};
  // A session is that of a name at an address.
  const peer = `${tlsName} ${originName(address)}`;
  const shared = originTls.options(peer, tlsCaFile, tlsVerify);
  const socket = connectTls({ host, port, ...dialOptions, rejectUnauthorized: tlsVerify, ...shared, ...servername });
  originTls.watch(socket, peer, tlsCaFile, tlsVerify);
  return socket;
}
