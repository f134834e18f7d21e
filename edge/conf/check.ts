/** What the directives of a file must satisfy together, each being right by itself. */

import { listenAddresses } from './address-values.ts';
import type { RootSettings, VhostSettings } from './directives/root.ts';
import { collide } from './listen.ts';
import type { ListenAddress } from './model.ts';
import { type Place, type Problem, show } from './problem.ts';
import { type Given, keyOf } from './read.ts';
import { vhostOf } from './vhost.ts';

interface Check {
  readonly given: ReadonlyMap<string, Given>;
  readonly errors: Problem[];
  readonly warnings: Problem[];
  readonly file: string;
}

/** Adds what is wrong between directives. Values that are already known to be wrong cause no further errors. */
export function checkSettings(
  settings: RootSettings,
  given: ReadonlyMap<string, Given>,
  file: string,
): { readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] } {
  const check: Check = { given, errors: [], warnings: [], file };
  checkListeners(check, settings);
  checkTls(check, 'rtmps', settings.rtmps);
  for (const name of ['http_api', 'http_server'] as const) {
    checkTls(check, `${name}.https`, settings[name].https);
    if (settings[name].https.enabled && !settings[name].enabled) {
      error(check, `${name}.https.enabled`, `https is on but ${name} is off`, `write \`enabled on;\` in ${name}`);
    }
  }
  const { auth } = settings.http_api;
  if (auth.enabled && isValid(check, 'http_api.auth.username') && isValid(check, 'http_api.auth.password')) {
    for (const name of ['username', 'password'] as const) {
      if (auth[name] === '') error(check, 'http_api.auth.enabled', `authentication is on without a ${name}`);
    }
  }
  checkOrder(check, 'edge', settings.edge, 'probe_min', 'probe_max');
  checkProxies(check, settings);
  if (settings.vhost.length === 0) {
    const at = { file, line: 1, column: 1 };
    warn(check, at, 'there is no vhost, so every client is refused', 'add for instance `vhost __defaultVhost__ { }`');
  }
  checkNames(check, settings.vhost);
  for (const { name, body } of settings.vhost) checkVhost(check, name, body);
  return check;
}

/** SRS tells `A.com` from `a.com`. Clients that ask for either come to one vhost here. */
function checkNames(check: Check, vhosts: RootSettings['vhost']): void {
  for (const { name } of vhosts) {
    const { name: asked = name } = vhostOf(vhosts, name.toLowerCase()) ?? {};
    if (asked === name || asked.toLowerCase() !== name.toLowerCase()) continue;
    const what = `vhost ${show(name)} serves nobody: hosts have no case, and its clients come to vhost ${show(asked)}`;
    warn(check, placeOf(check, keyOf('vhost', name)), what, 'put both into one block');
  }
}

function checkProxies(check: Check, { edge, http_api: api, http_server: server }: RootSettings): void {
  if (!edge.proxy_protocol) return;
  if (!check.given.has('edge.trusted_proxies')) {
    const what = 'proxy_protocol is on without trusted_proxies, so nobody could connect';
    error(check, 'edge.proxy_protocol', what, 'add for instance `trusted_proxies 10.0.0.0/8;`');
  }
  const shares = (a: readonly ListenAddress[], b: readonly ListenAddress[]): boolean =>
    a.some((one) => b.some((other) => collide(one, other)));
  const sharing = api.enabled && server.enabled && shares(api.listen, server.listen);
  const sharingTls = api.https.enabled && server.https.enabled && shares(api.https.listen, server.https.listen);
  if (sharing || sharingTls) {
    const what = 'the API has an address of http_server, where proxy_protocol is on';
    error(check, sharing ? 'http_api.listen' : 'http_api.https.listen', what, 'give the API a port of its own');
  }
}

function checkVhost(check: Check, name: string, vhost: VhostSettings): void {
  const key = keyOf('vhost', name);
  const { cluster } = vhost;
  const origin = check.given.get(`${key}.cluster.origin`);
  if (cluster.mode === 'remote' && origin === undefined) {
    const what = `vhost ${show(name)} is in \`mode remote\` without an origin`;
    error(check, `${key}.cluster.mode`, what, 'add for instance `origin 127.0.0.1:1935;`');
  }
  if (cluster.mode === 'local' && origin !== undefined && !('variable' in origin.at)) {
    warn(check, origin.at, '"origin" has no effect in `mode local`', 'write `mode remote;` beside it for an edge');
  }
  if (cluster.mode === 'remote' && cluster.token_traverse && vhost.edge.origin_keys_file !== '') {
    const what =
      '"token_traverse" and "origin_keys_file" are both given: origins cannot judge what clients show, as it does not go on';
    error(
      check,
      `${key}.cluster.token_traverse`,
      what,
      'leave one out; with a key for the origins, let `edge { token { } }` or callbacks judge clients',
    );
  }
  checkOrder(check, `${key}.edge`, vhost.edge, 'retry_min', 'retry_max');
  checkAccess(check, key, vhost);
}

function checkAccess(check: Check, key: string, { security, refer, edge: { token } }: VhostSettings): void {
  const rules = check.given.has(`${key}.security.allow`) || check.given.has(`${key}.security.deny`);
  const enabled = check.given.get(`${key}.security.enabled`);
  if (security.enabled && !rules && enabled !== undefined) {
    warn(
      check,
      enabled.at,
      'security is on without a rule, so everybody is refused',
      'add for instance `allow play all;`',
    );
  }
  const lists = (['all', 'publish', 'play'] as const).some((list) => check.given.has(`${key}.refer.${list}`));
  if (refer.enabled && !lists) {
    error(check, `${key}.refer.enabled`, 'refer is on without domains', 'add for instance `all example.com;`');
  }
  const { play, publish, keys_file: keys, jwks_file: setFile, jwks_url: setUrl } = token;
  if ((play || publish) && keys === '' && setFile === '' && setUrl === '') {
    const blamed = `${key}.edge.token.${play ? 'play' : 'publish'}`;
    error(check, blamed, 'tokens are needed but no keys are given', 'add `keys_file`, `jwks_file` or `jwks_url`');
  }
  if (setFile !== '' && setUrl !== '') {
    error(check, `${key}.edge.token.jwks_url`, '"jwks_file" and "jwks_url" are both given', 'keep one of them');
  }
}

function checkTls(check: Check, key: string, tls: RootSettings['rtmps']): void {
  if (!tls.enabled) return;
  for (const name of ['key', 'cert'] as const) {
    if (tls[name] !== '' || !isValid(check, `${key}.${name}`)) continue;
    error(check, `${key}.enabled`, `TLS is on without "${name}"`, `add \`${name} FILE;\``);
  }
}

function checkOrder<K extends string>(check: Check, key: string, values: Record<K, number>, low: K, high: K): void {
  if (values[low] <= values[high]) return;
  const blamed = check.given.has(`${key}.${high}`) ? high : low;
  error(check, `${key}.${blamed}`, `"${high}" (${values[high]} ms) is below "${low}" (${values[low]} ms)`);
}

/** As in SRS, the API and the streams may have the very same address. */
const sharing: ReadonlyMap<string, string> = new Map([
  ['http_server.listen', 'http_api.listen'],
  ['http_server.https.listen', 'http_api.https.listen'],
]);

function checkListeners(check: Check, settings: RootSettings): void {
  const { http_api: api, http_server: server, exporter, rtmps } = settings;
  const listeners = [
    { key: 'listen', on: true, addresses: settings.listen },
    { key: 'rtmps.listen', on: rtmps.enabled, addresses: rtmps.listen },
    { key: 'http_api.listen', on: api.enabled, addresses: api.listen },
    { key: 'http_api.https.listen', on: api.https.enabled, addresses: api.https.listen },
    { key: 'http_server.listen', on: server.enabled, addresses: server.listen },
    { key: 'http_server.https.listen', on: server.https.enabled, addresses: server.https.listen },
    { key: 'exporter.listen', on: exporter.enabled, addresses: exporter.listen },
  ].filter(({ key, on }) => on && isValid(check, key));
  for (const [index, one] of listeners.entries()) {
    for (const other of listeners.slice(0, index)) {
      const shared = sharing.get(one.key) === other.key;
      const clash = one.addresses.find((a) =>
        other.addresses.some((b) => collide(a, b) && !(shared && a.host === b.host)),
      );
      if (clash === undefined) continue;
      const address = listenAddresses.print([clash]).join('');
      error(check, one.key, `"${one.key}" at ${address} collides with "${other.key}"`, 'give each its own port');
    }
  }
}

function isValid(check: Check, key: string): boolean {
  return check.given.get(key)?.valid !== false;
}

function error(check: Check, key: string, what: string, remedy?: string): void {
  check.errors.push({ at: placeOf(check, key), what, remedy });
}

function warn(check: Check, at: Place, what: string, remedy: string): void {
  check.warnings.push({ at, what, remedy });
}

/** Where `key` was given, or else the block around it. */
function placeOf(check: Check, key: string): Place {
  for (let name = key; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const found = check.given.get(name);
    if (found !== undefined) return found.at;
  }
  return { file: check.file, line: 1, column: 1 };
}
