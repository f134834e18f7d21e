/** Settings ⇄ model, as `convert.ts` does it, of what says who may come in. */
import type { AccessConfig } from './access-model.ts';
import type { VhostSettings } from './directives/root.ts';
import { limitsNames, tokenNames } from './field-names.ts';
import { fromFields, toFields } from './renaming.ts';

type AccessSettings = Pick<VhostSettings, 'security' | 'refer'> & {
  readonly edge: Pick<VhostSettings['edge'], 'limits' | 'token'>;
};

export function toAccess({ security, refer, edge }: AccessSettings): AccessConfig {
  return {
    security,
    refer,
    limits: toFields(edge.limits, limitsNames),
    token: toFields(edge.token, tokenNames),
  };
}

export function fromAccess({ security, refer, limits, token }: AccessConfig): AccessSettings {
  return {
    security,
    refer,
    edge: { limits: fromFields(limits, limitsNames), token: fromFields(token, tokenNames) },
  };
}
