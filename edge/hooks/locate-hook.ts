/**
 * Asks the operator's own server where a stream is (`locate_url`), in the manner of the other callbacks. The question
 * names the stream and no client: its answer counts for all of them.
 */

import { originAddresses } from '../conf/address-values.ts';
import type { OriginAddress, VhostConfig } from '../conf/model.ts';
import { type StreamName, streamId, streamUrl } from '../stream/name.ts';
import { askHook, HookError } from './post.ts';

/** Origins in one answer, at most. */
export const locatedMax = 16;

export interface LocateHookOptions {
  /** What the body of each callback begins with. */
  readonly sender: (action: string, vhost: VhostConfig) => object;
  readonly underWay: (change: 1 | -1) => void;
}

export class LocateHook {
  readonly #options: LocateHookOptions;

  constructor(options: LocateHookOptions) {
    this.#options = options;
  }

  /**
   * Where the stream is, in the order in which origins are to be tried; none: the server does not know.
   * @param purpose what the origin is wanted for
   * @throws HookError when it is not there, says no, or answers something else; its message does not name the URL
   */
  async locate(
    vhost: VhostConfig,
    name: StreamName,
    purpose: 'play' | 'publish',
    signal: AbortSignal,
  ): Promise<readonly OriginAddress[]> {
    const { sender, underWay } = this.#options;
    const { locateUrl, locateTimeoutMs } = vhost.edge;
    const { app, stream } = name;
    const about = { app, stream, stream_url: streamUrl(name), stream_id: streamId(name), purpose };
    underWay(1);
    try {
      return originsIn(await askHook(locateUrl, { ...sender('on_locate', vhost), ...about }, locateTimeoutMs, signal));
    } finally {
      underWay(-1);
    }
  }
}

/** `{"code": 0, "data": {"origins": ["10.0.0.1:1935", "rtmps://b.example.com"]}}`. */
function originsIn(text: string): readonly OriginAddress[] {
  const answer = parsed(text);
  const code = fieldOf(answer, 'code');
  if (typeof code === 'number' && code !== 0) throw new HookError('refused', `answered with code ${code}`);
  const origins: unknown = fieldOf(fieldOf(answer, 'data'), 'origins');
  if (code !== 0 || !Array.isArray(origins)) {
    throw new HookError('failed', 'the answer is not {"code": 0, "data": {"origins": ["HOST:PORT", …]}}');
  }
  if (origins.length > locatedMax) {
    throw new HookError('failed', `the answer has ${origins.length} origins; ${locatedMax} are the most`);
  }
  return origins.flatMap((each: unknown) => {
    const address = typeof each === 'string' ? originAddresses.parse([each]) : undefined;
    if (address?.ok) return address.value;
    throw new HookError('failed', `${JSON.stringify(each).slice(0, 200)} is not an origin; HOST:PORT is expected`);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
