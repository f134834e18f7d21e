/** The table of `vhost { edge { token { } } }`. */
import { ACCESS } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { hookUrl, onOff, text } from '../values.ts';

const { token: TOKEN } = ACCESS;

const common = { effect: 'new connections', since: 2 } as const;

function name(value: string, defaultText: string, what: string, doc: string) {
  return leaf({ ...common, type: text(what), default: value, defaultText, doc });
}

export const token = block(
  'Who may come in by what the URL shows: a signature (`?kid=…&exp=…&sig=…`) or a JSON Web Token (`?jwt=…`). Both are ' +
    'described in [signed-urls.md](../docs/signed-urls.md). Callbacks are asked after that, where there are some. A ' +
    'token that expires while its client is here disconnects nobody.',
  {
    play: leaf({ ...common, type: onOff, default: TOKEN.play, doc: 'Whether players need a token.' }),
    publish: leaf({ ...common, type: onOff, default: TOKEN.publish, doc: 'Whether publishers need a token.' }),
    keys_file: name(
      TOKEN.keysFile,
      'none',
      'a path',
      'File of the keys that sign URLs: one `id:secret` per line, and each line is valid, so that keys rotate. Read ' +
        'again when it changes, 64 KB at most. While it cannot be read no signature is right.',
    ),
    jwks_file: name(
      TOKEN.jwksFile,
      'none',
      'a path',
      'File of the public keys of JSON Web Tokens, a JWK Set. Read again when it changes, 256 KB at most.',
    ),
    jwks_url: leaf({
      ...common,
      type: hookUrl,
      default: TOKEN.jwksUrl,
      defaultText: 'none',
      doc:
        'URL of the public keys of JSON Web Tokens, a JWK Set, instead of `jwks_file`. Asked for again every 5 min, ' +
        'and when a token names a key that is not known; 256 KB at most. While it fails, the keys that are known count on.',
    }),
    issuer: name(TOKEN.issuer, 'not checked', 'a name', 'What `iss` of a JSON Web Token must be.'),
    audience: name(TOKEN.audience, 'not checked', 'a name', 'What `aud` of a JSON Web Token must be, or have in it.'),
  },
  { own: true },
);
