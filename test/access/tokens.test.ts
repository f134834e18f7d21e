/** Signed URLs and JSON Web Tokens: what lets in, and what does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { exportJWK, type FlattenedJWSInput, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { KeySetUrl } from '../../edge/access/jwks.ts';
import { KeysUnavailable } from '../../edge/access/keys-unavailable.ts';
import { signatureFault } from '../../edge/access/signed-url.ts';
import { fits } from '../../edge/access/stream-pattern.ts';
import { Tokens, withoutTokens } from '../../edge/access/tokens.ts';
import type { TokenConfig } from '../../edge/conf/access-model.ts';
import { ACCESS, defaultConfig } from '../../edge/conf/defaults.ts';
import type { StreamRequest } from '../../edge/stream/request.ts';
import { temporaryDirectory } from '../support/programs.ts';
import { signedQuery } from '../support/signed-query.ts';

const keys = new Map([['a', 'a secret of some length']]);
const wanted = { action: 'play', app: 'live', stream: 'cam1', address: '192.0.2.7' } as const;
const nowMs = 1_000_000_000_000;
const sound = {
  action: 'play',
  path: '/live/cam1',
  keyId: 'a',
  secret: 'a secret of some length',
  expires: 1_000_000_060,
} as const;

function fault(query: string, asked: Parameters<typeof signatureFault>[2] = wanted): string | undefined {
  return signatureFault(keys, new URLSearchParams(query), asked, nowMs);
}

describe('signed URLs', () => {
  test('let in for what they are signed for, and for nothing else', () => {
    const query = signedQuery(sound);
    assert.equal(fault(query), undefined);
    assert.match(fault(query, { ...wanted, action: 'publish' }) ?? '', /signature/);
    assert.match(fault(query, { ...wanted, stream: 'cam2' }) ?? '', /signature/);
    assert.match(fault(query, { ...wanted, app: 'other' }) ?? '', /signature/);
    assert.match(fault(query.replace('1000000060', '1000009999')) ?? '', /signature/);
    assert.match(fault(`${query}&ip=192.0.2.7`) ?? '', /signature/);
    assert.match(fault(query.replace('kid=a', 'kid=b')) ?? '', /kid/);
    for (const sig of ['', '00', 'x'.repeat(64), '0'.repeat(64)]) {
      assert.match(fault(query.replace(/sig=.*/, `sig=${sig}`)) ?? '', /signature/);
    }
    assert.match(fault(query.replace('exp=1000000060', 'exp=soon')) ?? '', /exp/);
  });

  test('expire to the second', () => {
    assert.match(fault(signedQuery({ ...sound, expires: nowMs / 1000 })) ?? '', /expired/);
    assert.equal(fault(signedQuery({ ...sound, expires: nowMs / 1000 + 1 })), undefined);
  });

  test('are for an address or a range, in any spelling, if they say so', () => {
    assert.equal(fault(signedQuery({ ...sound, ip: '192.0.2.7' })), undefined);
    assert.equal(fault(signedQuery({ ...sound, ip: '192.0.2.0/24' })), undefined);
    assert.match(fault(signedQuery({ ...sound, ip: '192.0.2.8' })) ?? '', /address/);
    assert.match(fault(signedQuery({ ...sound, ip: 'everybody' })) ?? '', /address/);
    const v6 = signedQuery({ ...sound, ip: '2001:DB8:0::1' });
    assert.equal(fault(v6, { ...wanted, address: '2001:db8::1' }), undefined);
    const taken = signedQuery({ ...sound, ip: '192.0.2.7' }).replace(/&ip=[^&]*/, '');
    assert.match(fault(taken) ?? '', /signature/);
  });

  test('line ends in names cannot turn one signed text into another', () => {
    const query = signedQuery({ ...sound, path: '/live/cam1\n5' });
    assert.match(fault(query) ?? '', /signature/);
  });
});

test('patterns of streams', () => {
  for (const [pattern, name, expected] of [
    ['live/cam1', 'live/cam1', true],
    ['live/cam1', 'live/cam10', false],
    ['live/*', 'live/cam1', true],
    ['live/*', 'live/a/cam1', false],
    ['live/**', 'live/a/cam1', true],
    ['live/**/cam1', 'live/a/b/cam1', true],
    ['**', 'any/thing', true],
    ['*', 'any/thing', false],
    ['live/cam-*-hd', 'live/cam-7-hd', true],
    ['live/cam-*-hd', 'live/cam-7-sd', false],
    ['live/.*', 'live/cam1', false],
    ['', 'live/cam1', false],
  ] as const) {
    const [app, stream] = [name.slice(0, name.lastIndexOf('/')), name.slice(name.lastIndexOf('/') + 1)];
    assert.equal(fits(pattern, app, stream), expected, `${pattern} ${name}`);
  }
  assert.ok(!fits(`${'*a'.repeat(200)}b`, 'live', 'a'.repeat(500)));
});

test('what lets somebody in does not stand in a log', () => {
  assert.equal(withoutTokens('?kid=a&exp=1&sig=abc&x=1#jwt=e.y.j'), '?kid=a&exp=1&sig=***&x=1#jwt=***');
  assert.equal(withoutTokens('rtmp://h/live?jwt=e.y.j'), 'rtmp://h/live?jwt=***');
});

function request(param: string): StreamRequest {
  const names = { vhost: 'a', app: 'live', stream: 'cam1', param, tcUrl: '', pageUrl: '', swfUrl: '' };
  return { clientId: '1', protocol: 'rtmp', ip: '192.0.2.7', ...names, connectObject: {}, connectArgs: [] };
}

function tokensOf(
  config: Partial<TokenConfig>,
): (param: string, action?: 'play' | 'publish') => Promise<string | undefined> {
  const tokens = new Tokens(pino({ level: 'silent' }));
  const token = { ...ACCESS.token, play: true, publish: true, ...config };
  return async (param, action = 'play') => await tokens.fault(token, action, request(param));
}

const inAnHour = Math.floor(Date.now() / 1000) + 3_600;

test('a file of keys: several count, one that is gone counts no more, and without the file nobody gets in', async (t) => {
  const file = join(temporaryDirectory(t), 'keys');
  const ask = tokensOf({ keysFile: file });
  const query = (keyId: string, secret: string): string =>
    `?${signedQuery({ ...sound, keyId, secret, expires: inAnHour })}`;
  assert.match((await ask(query('new', 'x'.repeat(16)))) ?? '', /kid/);
  const replace = async (text: string): Promise<void> => {
    writeFileSync(`${file}.next`, text);
    renameSync(`${file}.next`, file);
    while ((await ask(query('probe', text.slice(-17, -1)))) !== undefined);
  };
  await replace(`# comment\nold:${'o'.repeat(16)}\nnew:${'n'.repeat(20)}\nshort:secret\nprobe:${'1'.repeat(16)}\n`);
  assert.equal(await ask(query('old', 'o'.repeat(16))), undefined);
  assert.equal(await ask(query('new', 'n'.repeat(20))), undefined);
  assert.match((await ask(query('short', 'secret'))) ?? '', /kid/);
  assert.match((await ask('')) ?? '', /none/);
  assert.match((await ask('?jwt=e.y.j')) ?? '', /none/);
  await replace(`new:${'n'.repeat(20)}\nprobe:${'2'.repeat(16)}\n`);
  assert.match((await ask(query('old', 'o'.repeat(16)))) ?? '', /kid/);
});

interface Issuer {
  readonly key: object;
  readonly set: string;
  sign(claims: Record<string, unknown>, header?: object): Promise<string>;
}

/** @param kid none: neither its key nor its tokens name it */
async function issuer(kid?: string): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const named = kid === undefined ? {} : { kid };
  const key = { ...(await exportJWK(publicKey)), ...named, alg: 'ES256', use: 'sig' };
  const set = JSON.stringify({ keys: [key] });
  const sign = (claims: Record<string, unknown>, header: object = {}): Promise<string> =>
    new SignJWT({ exp: inAnHour, ...claims })
      .setProtectedHeader({ alg: 'ES256', ...named, ...header })
      .sign(privateKey);
  return { key, set, sign };
}

describe('JSON Web Tokens', () => {
  test('let in for the streams of their claims', async (t) => {
    const { set, sign } = await issuer('1');
    const file = join(temporaryDirectory(t), 'jwks.json');
    writeFileSync(file, set);
    const ask = tokensOf({ jwksFile: file, issuer: 'me', audience: 'edge' });
    const claims = { iss: 'me', aud: ['other', 'edge'], play: ['x/*', 'live/*'], publish: 'live/cam2' };
    const check = async (changes: Record<string, unknown>, action: 'play' | 'publish' = 'play'): Promise<string> =>
      (await ask(`?jwt=${await sign({ ...claims, ...changes })}`, action)) ?? 'let in';
    assert.equal(await check({}), 'let in');
    assert.match(await check({}, 'publish'), /"publish" does not name/);
    assert.equal(await check({ publish: '**' }, 'publish'), 'let in');
    assert.match(await check({ play: undefined }), /"play" does not name/);
    assert.match(await check({ play: [{ any: 1 }] }), /"play" does not name/);
    assert.match(await check({ exp: 1_000 }), /expired/);
    assert.match(await check({ exp: undefined }), /exp/);
    assert.match(await check({ nbf: inAnHour }), /nbf/);
    assert.match(await check({ iss: 'you' }), /iss/);
    assert.match(await check({ aud: 'other' }), /aud/);
    assert.match(await check({ ip: '192.0.2.8' }), /another address/);
    assert.match(await check({ ip: 7 }), /another address/);
    assert.equal(await check({ ip: '192.0.2.0/24' }), 'let in');
  });

  test('of others, unsigned ones and those with a shared secret do not', async (t) => {
    const ours = await issuer('1');
    const theirs = await issuer('1');
    const file = join(temporaryDirectory(t), 'jwks.json');
    writeFileSync(file, ours.set);
    const ask = tokensOf({ jwksFile: file });
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { exp: inAnHour, play: '**' };
    const shared = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: '1' }).sign(Buffer.from(ours.set));
    for (const jwt of [
      await theirs.sign(claims),
      await ours.sign(claims, { kid: '2' }),
      `${part({ alg: 'none' })}.${part(claims)}.`,
      shared,
      '',
      'e.y.j',
      'x'.repeat(1_000),
    ]) {
      assert.match((await ask(`?jwt=${jwt}`)) ?? 'let in', /JWT is not valid/, jwt);
    }
  });

  test('that name no key are tried with each of their kind: so the old and the new one can stand there together', async (t) => {
    const [old, next, other] = [await issuer(), await issuer(), await issuer()];
    const file = join(temporaryDirectory(t), 'jwks.json');
    writeFileSync(file, JSON.stringify({ keys: [{ ...other.key, x: 'AAAA' }, old.key, next.key] }));
    const ask = tokensOf({ jwksFile: file });
    for (const one of [old, next]) assert.equal(await ask(`?jwt=${await one.sign({ play: '**' })}`), undefined);
    assert.match((await ask(`?jwt=${await other.sign({ play: '**' })}`)) ?? '', /signature verification failed/);
    assert.match((await ask(`?jwt=${await next.sign({ play: '**', exp: 1_000 })}`)) ?? '', /expired/);
  });

  test('whose key is in the set, but broken, are told so', async (t) => {
    const { key, sign } = await issuer('1');
    const file = join(temporaryDirectory(t), 'jwks.json');
    writeFileSync(file, JSON.stringify({ keys: [{ ...key, x: 'AAAA' }] }));
    const unusable = { name: 'KeysUnavailable', message: /^the key of its JWT cannot be used: / };
    await assert.rejects(tokensOf({ jwksFile: file })(`?jwt=${await sign({ play: '**' })}`), unusable);
  });

  test('keys behind a URL: whom they keep out learns nothing of their server, whose answer has bounds', async (t) => {
    const { url, answer, seen } = await keyServer(t);
    const { set, sign } = await issuer('1');
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => lines.push(line) });
    const tokens = new Tokens(log);
    const jwksUrl = url.replace('http://', 'http://edge:hush@').concat('?key=secret');
    const token = { ...ACCESS.token, play: true, jwksUrl };
    answer.body = ' '.repeat(300_000);
    const unavailable = { name: 'KeysUnavailable', message: 'the keys of tokens cannot be had' };
    await assert.rejects(tokens.fault(token, 'play', request(`?jwt=${await sign({ play: '**' })}`)), unavailable);
    assert.match(lines.join(), /answered with more than 262144 bytes/);
    assert.doesNotMatch(lines.join(), /hush|secret/);
    answer.body = set;
    tokens.reconfigure(defaultConfig());
    assert.equal(await tokens.fault(token, 'play', request(`?jwt=${await sign({ play: '**' })}`)), undefined);
    assert.deepEqual(new Set(seen), new Set([`Basic ${Buffer.from('edge:hush').toString('base64')}`]));
  });

  test('keys behind a URL: a system’s clock that is put back holds back no new key', async (t) => {
    const { url, answer, seen } = await keyServer(t);
    const [first, second] = [await issuer('1'), await issuer('2')];
    let nowMs = 0;
    const { key } = new KeySetUrl(url, pino({ level: 'silent' }), () => nowMs);
    const has = (kid: string): Promise<unknown> => Promise.resolve(key({ alg: 'ES256', kid }, {} as FlattenedJWSInput));
    answer.body = first.set;
    await has('1');
    answer.body = second.set;
    await assert.rejects(has('2'), /no applicable key/, 'asked for again so soon');
    t.mock.method(Date, 'now', () => 0);
    nowMs = 30_000;
    await has('2');
    assert.equal(seen.length, 2);
    answer.body = first.set;
    nowMs += 5 * 60_000;
    await assert.rejects(has('2'), /no applicable key/, 'a key that was taken away counts on');
  });

  test('keys behind a URL: while their server is silent, one client waits for it, and no other', async (t) => {
    const { url, answer, seen } = await keyServer(t);
    let nowMs = 0;
    const { key } = new KeySetUrl(url, pino({ level: 'silent' }), () => nowMs);
    const has = (kid: string): Promise<unknown> => Promise.resolve(key({ alg: 'ES256', kid }, {} as FlattenedJWSInput));
    answer.body = (await issuer('1')).set;
    await has('1');
    answer.isSilent = true;
    nowMs = 5 * 60_000;
    await has('1');
    assert.equal(seen.length, 2);
    nowMs += 30_000;
    const asked = answer.next();
    await has('1');
    await asked;
    assert.equal(answer.waiting.length, 2, 'it waits no more, and the server has not answered');
    answer.isSilent = false;
    answer.body = (await issuer('2')).set;
    for (const response of answer.waiting) response.end(answer.body);
    await has('2');
  });

  test('keys behind a URL: new ones are learned, and known ones outlive their server', {
    timeout: 90_000,
  }, async (t) => {
    const { url, answer, stop } = await keyServer(t);
    const [first, second] = [await issuer('1'), await issuer('2')];
    const ask = tokensOf({ jwksUrl: url });
    const jwt = async (from: Issuer): Promise<string> => `?jwt=${await from.sign({ play: '**' })}`;
    answer.body = 'no keys';
    await assert.rejects(ask(await jwt(first)), KeysUnavailable);
    answer.body = first.set;
    const until = Date.now() + 10_000;
    for (;;) {
      const outcome = await ask(await jwt(first)).catch((error: unknown) => error);
      if (outcome === undefined) break;
      assert.ok(outcome instanceof KeysUnavailable && Date.now() < until);
    }
    assert.match((await ask(await jwt(second))) ?? '', /JWT is not valid/);
    await stop();
    assert.equal(await ask(await jwt(first)), undefined);
  });
});

interface KeyAnswer {
  body: string;
  isSilent: boolean;
  /** Answers that were held back. */
  readonly waiting: ServerResponse[];
  /** Resolves with the next request. */
  next(): Promise<void>;
}

async function keyServer(t: TestContext): Promise<{
  url: string;
  answer: KeyAnswer;
  /** Credentials of each request. */
  seen: (string | undefined)[];
  stop: () => Promise<void>;
}> {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    if (answer.isSilent) answer.waiting.push(response);
    else response.end(answer.body);
  });
  const next = async (): Promise<void> => void (await once(server, 'request'));
  const answer: KeyAnswer = { body: '', isSilent: false, waiting: [], next };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`, answer, seen, stop };
}
