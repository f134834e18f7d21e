/** What a vhost says about who may come in: a part of `model.ts`. */
import type { Network } from './model.ts';

/** One `allow` or `deny`: for whom it is meant, and what they want. */
export interface AddressRule {
  readonly action: 'play' | 'publish';
  readonly from: 'all' | Network;
}

/** `security { }`: addresses. */
export interface SecurityConfig {
  readonly enabled: boolean;
  readonly allow: readonly AddressRule[];
  readonly deny: readonly AddressRule[];
}

/** `refer { }`: web pages that clients come from, by their domains. An empty list checks nothing. */
export interface ReferConfig {
  readonly enabled: boolean;
  readonly all: readonly string[];
  readonly publish: readonly string[];
  readonly play: readonly string[];
}

/** `edge { limits { } }`: 0 is no limit. */
export interface LimitsConfig {
  readonly playersPerStream: number;
  readonly streams: number;
  readonly publishers: number;
  readonly publisherKbps: number;
  readonly clientsPerAddress: number;
}

/** `edge { token { } }`: signed URLs and JSON Web Tokens. Empty texts are none. */
export interface TokenConfig {
  readonly play: boolean;
  readonly publish: boolean;
  readonly keysFile: string;
  readonly jwksFile: string;
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
}

export interface AccessConfig {
  readonly security: SecurityConfig;
  readonly refer: ReferConfig;
  readonly limits: LimitsConfig;
  readonly token: TokenConfig;
}
