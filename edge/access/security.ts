/** `security { }`: whether an address may play or publish, as SRS 7 decides it. */
import type { AddressRule, SecurityConfig } from '../conf/access-model.ts';
import type { Network } from '../conf/model.ts';
import { isIn } from './addresses.ts';

export type Action = AddressRule['action'];

/** Why a client of this address may not do it, or undefined when it may. */
export function addressFault(security: SecurityConfig, action: Action, address: string): string | undefined {
  if (!security.enabled) return undefined;
  const { allow, deny } = compiled(security);
  if (includes(deny[action], address)) return `security: ${address} may not ${action}`;
  const open = security.allow.length === 0 && security.deny.length > 0;
  return open || includes(allow[action], address) ? undefined : `security: ${address} may not ${action}`;
}

interface Addresses {
  readonly all: boolean;
  readonly networks: readonly Network[];
}

type ByAction = Readonly<Record<Action, Addresses>>;

function includes({ all, networks }: Addresses, address: string): boolean {
  return all || (networks.length > 0 && isIn(networks, address));
}

const known = new WeakMap<SecurityConfig, { readonly allow: ByAction; readonly deny: ByAction }>();

/** Once for each configuration: there may be thousands of rules, and thousands of clients a second. */
function compiled(security: SecurityConfig): { readonly allow: ByAction; readonly deny: ByAction } {
  let rules = known.get(security);
  if (rules === undefined) {
    rules = { allow: byAction(security.allow), deny: byAction(security.deny) };
    known.set(security, rules);
  }
  return rules;
}

function byAction(rules: readonly AddressRule[]): ByAction {
  return { play: ofAction(rules, 'play'), publish: ofAction(rules, 'publish') };
}

function ofAction(rules: readonly AddressRule[], action: Action): Addresses {
  const own = rules.flatMap((rule) => (rule.action === action ? [rule.from] : []));
  return { all: own.includes('all'), networks: own.filter((from) => from !== 'all') };
}
