/** Settings ⇄ model, as `convert.ts` does it, of what says who may come in. */
import type { AccessConfig } from './access-model.ts';
import type { VhostSettings } from './directives/root.ts';

type AccessSettings = Pick<VhostSettings, 'security' | 'refer'> & {
  readonly edge: Pick<VhostSettings['edge'], 'limits' | 'token'>;
};

export function toAccess({ security, refer, edge }: AccessSettings): AccessConfig {
  const { limits, token } = edge;
  return {
    security,
    refer,
    limits: {
      playersPerStream: limits.players_per_stream,
      streams: limits.streams,
      publishers: limits.publishers,
      publisherKbps: limits.publisher_kbps,
      clientsPerAddress: limits.clients_per_address,
    },
    token: {
      play: token.play,
      publish: token.publish,
      keysFile: token.keys_file,
      jwksFile: token.jwks_file,
      jwksUrl: token.jwks_url,
      issuer: token.issuer,
      audience: token.audience,
    },
  };
}

export function fromAccess({ security, refer, limits, token }: AccessConfig): AccessSettings {
  return {
    security,
    refer,
    edge: {
      limits: {
        players_per_stream: limits.playersPerStream,
        streams: limits.streams,
        publishers: limits.publishers,
        publisher_kbps: limits.publisherKbps,
        clients_per_address: limits.clientsPerAddress,
      },
      token: {
        play: token.play,
        publish: token.publish,
        keys_file: token.keysFile,
        jwks_file: token.jwksFile,
        jwks_url: token.jwksUrl,
        issuer: token.issuer,
        audience: token.audience,
      },
    },
  };
}
