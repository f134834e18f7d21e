/** `edge { token { } }`: whether the parameters of a client's URL let it in. Reads keys where they are. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { TokenConfig } from '../conf/access-model.ts';
import { type Fingerprint, fingerprint } from '../conf/fingerprint.ts';
import { linesOf } from '../conf/key-lines.ts';
import type { EdgeConfig } from '../conf/model.ts';
import type { FilesRead } from '../conf/problem.ts';
import { secretMinLength, signingKey } from '../conf/signing.ts';
import type { StreamRequest } from '../stream/request.ts';
import { FreshFile, type Kind } from './fresh-file.ts';
import type { KeySetUrl, keySetFile } from './jwks.ts';
import { KeysUnavailable } from './keys-unavailable.ts';
import type { Action } from './security.ts';
import { isSigned, type SigningKeys, signatureFault, type Wanted } from './signed-url.ts';

type KeySetFile = FreshFile<typeof keySetFile.none>;

/** Each line is one key, `id:secret`; all count, so that the old and the new one can stand there together. */
const signingKeys: Kind<SigningKeys> = {
  name: 'signing keys',
  counted: 'keys',
  maxBytes: 64 * 1024,
  none: new Map(),
  parse: (text) => {
    const keys = new Map<string, string>();
    const badLines: number[] = [];
    for (const [number, line] of linesOf(text)) {
      const key = signingKey(line);
      if (key !== undefined && !keys.has(key.id)) keys.set(key.id, key.secret);
      else if (badLines.length < 10) badLines.push(number);
    }
    const remedy = `write one id:secret per line, each id once, secrets of ${secretMinLength} characters at least`;
    return { value: keys, count: keys.size, badLines, remedy };
  },
};

export class Tokens {
  readonly #log: Logger;
  readonly #signing = new Map<string, FreshFile<SigningKeys>>();
  readonly #setFiles = new Map<string, KeySetFile>();
  readonly #setUrls = new Map<string, KeySetUrl>();
  readonly #nowMs: () => number;

  constructor(log: Logger, nowMs: () => number = Date.now) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Forgets keys that this configuration does not name. */
  reconfigure({ vhosts }: EdgeConfig): void {
    const tokens = vhosts.map(({ access }) => access.token);
    keepOnly(this.#signing, tokens, ({ keysFile }) => keysFile);
    keepOnly(this.#setFiles, tokens, ({ jwksFile }) => jwksFile);
    keepOnly(this.#setUrls, tokens, ({ jwksUrl }) => jwksUrl);
  }

  /**
   * Files of keys that this configuration names, the former one does not, and that cannot be read; as they were before
   * that was found.
   */
  async unreadable(config: EdgeConfig, former: EdgeConfig | undefined): Promise<FilesRead> {
    const named = (vhosts: EdgeConfig['vhosts'] = []): Set<string> =>
      new Set(vhosts.flatMap(({ access: { token }, edge }) => [token.keysFile, token.jwksFile, edge.originKeysFile]));
    const before = named(former?.vhosts);
    const added = [...named(config.vhosts)].filter((file) => file !== '' && !before.has(file));
    const known = new Map<string, Fingerprint>(added.map((file) => [file, fingerprint(file)]));
    const readable = await Promise.all(
      added.map((file) =>
        access(file, constants.R_OK).then(
          () => true,
          () => false,
        ),
      ),
    );
    const files = added.filter((_, index) => !readable[index]);
    return { files, fingerprint: files.map((file) => known.get(file)).join('\n') };
  }

  /** Why the client's token does not let it in, or undefined when it does or none is needed. Throws KeysUnavailable. */
  async fault(token: TokenConfig, action: Action, request: StreamRequest): Promise<string | undefined> {
    if (!token[action]) return undefined;
    const { app, stream, ip: address } = request;
    const wanted: Wanted = { action, app, stream, address };
    const parameters = new URLSearchParams(request.param.replace(/^\?/, '').replace(/#.*$/s, ''));
    const jwt = parameters.get('jwt');
    if (isSigned(parameters) && token.keysFile !== '') {
      const keys = await this.#signingKeys(token.keysFile).value();
      return signatureFault(keys, parameters, wanted, this.#nowMs());
    }
    if (jwt !== null && (token.jwksFile !== '' || token.jwksUrl !== ''))
      return await this.#jwtFault(jwt, token, wanted);
    return 'the URL has none';
  }

  async #jwtFault(jwt: string, token: TokenConfig, wanted: Wanted): Promise<string | undefined> {
    const [{ jwtFault }, { KeySetUrl, keySetFile }] = await Promise.all([import('./jwt.ts'), import('./jwks.ts')]);
    if (token.jwksUrl !== '') {
      const { key } = cached(this.#setUrls, token.jwksUrl, () => new KeySetUrl(token.jwksUrl, this.#log));
      return await jwtFault(jwt, key, token, wanted);
    }
    const { jwksFile } = token;
    const keys = await cached(this.#setFiles, jwksFile, () => new FreshFile(keySetFile, jwksFile, this.#log)).value();
    if (keys === undefined) throw new KeysUnavailable('the keys of tokens cannot be read');
    return await jwtFault(jwt, keys, token, wanted);
  }

  #signingKeys(path: string): FreshFile<SigningKeys> {
    return cached(this.#signing, path, () => new FreshFile(signingKeys, path, this.#log));
  }
}

function cached<T>(known: Map<string, T>, name: string, make: () => T): T {
  const value = known.get(name) ?? make();
  known.set(name, value);
  return value;
}

function keepOnly(
  known: Map<string, unknown>,
  tokens: readonly TokenConfig[],
  name: (token: TokenConfig) => string,
): void {
  const named = new Set(tokens.map(name));
  for (const each of known.keys()) if (!named.has(each)) known.delete(each);
}

/** Parameters as they may stand in a log: what lets somebody in is left out. */
export function withoutTokens(parameters: string): string {
  return parameters.replaceAll(/([?&#](?:sig|jwt)=)[^&#]*/g, '$1***');
}
