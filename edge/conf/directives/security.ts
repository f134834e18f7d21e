/** The table of `vhost { security { } }`. */
import type { AddressRule } from '../access-model.ts';
import { addressRules } from '../address-values.ts';
import { ACCESS } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { onOff } from '../values.ts';

const { security: SECURITY } = ACCESS;

function rules(value: readonly AddressRule[], doc: string) {
  return leaf({
    type: addressRules,
    wordsEach: 2,
    default: value,
    defaultText: 'none',
    effect: 'new connections',
    since: 2,
    doc,
  });
}

export const security = block(
  'Which addresses may play and publish, by RTMP and by HTTP. Whoever a `deny` names is refused. Where there is an ' +
    '`allow` of any kind, all others are refused that no `allow` names; so `allow play all;` alone refuses every ' +
    'publisher. Without any rule everybody is refused. The order of rules means nothing. Present clients stay when a ' +
    'reload changes the rules. Behind a proxy see `trusted_proxies`.',
  {
    enabled: leaf({
      type: onOff,
      default: SECURITY.enabled,
      effect: 'new connections',
      since: 2,
      doc: 'Whether the rules count.',
    }),
    allow: rules(SECURITY.allow, 'Who may come in. May be given several times.'),
    deny: rules(SECURITY.deny, 'Who may not, whatever `allow` says. May be given several times.'),
  },
);
