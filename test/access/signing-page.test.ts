/** The page that shows how to sign: each of its programs signs what the edge lets in. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseConfig } from '../../edge/conf/load.ts';
import { missing, run, temporaryDirectory } from '../support/programs.ts';
import { signedQuery } from '../support/signed-query.ts';

const page = readFileSync(join(import.meta.dirname, '../../edge/docs/signed-urls.md'), 'utf8');

function snippet(language: string): string {
  const text = new RegExp(`^\`\`\`${language}(?: [\\w.]+)?\n(.*?)^\`\`\``, 'ms').exec(page)?.[1];
  assert.ok(text !== undefined, `the page has no ${language}`);
  return text;
}

/** By the language of the snippet: its file, and what runs it. */
const languages = {
  js: { file: 'sign.mjs', command: ['node'] },
  python: { file: 'sign.py', command: ['python3'] },
  go: { file: 'sign.go', command: ['go', 'run'] },
  java: { file: 'Sign.java', command: ['java'] },
  sh: { file: 'sign.sh', command: ['sh'] },
} as const;

describe('how to sign', { concurrency: false }, () => {
  for (const [language, { file, command }] of Object.entries(languages)) {
    const [program = '', ...args] = command;
    const needed = language === 'sh' ? [program, 'openssl'] : [program];
    test(language, { skip: missing(...needed) }, (t) => {
      const path = join(temporaryDirectory(t), file);
      writeFileSync(path, snippet(language));
      for (const ip of ['', '192.0.2.7']) {
        const signed = {
          action: 'play',
          path: '/live/caméra',
          keyId: '2026-a',
          secret: 'a secret, some length',
          ip,
        } as const;
        const { action, keyId, secret } = signed;
        const values = [action, signed.path, keyId, secret, '1798761600', ...(ip === '' ? [] : [ip])];
        const said = run(program, [...args, path, ...values]);
        assert.equal(said.toString().trim(), signedQuery({ ...signed, expires: 1_798_761_600 }));
      }
    });
  }

  test('the configuration on the page is one', () => {
    const { config } = parseConfig(`listen 1935; ${snippet('nginx')}`);
    assert.ok(config.vhosts[0]?.access.token.play);
  });
});
