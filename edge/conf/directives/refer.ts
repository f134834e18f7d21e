/** The table of `vhost { refer { } }`. */

import { referDomains } from '../address-values.ts';
import { ACCESS } from '../defaults.ts';
import { block, leaf } from '../schema.ts';
import { onOff } from '../values.ts';

const { refer: REFER } = ACCESS;

function domains(value: readonly string[], doc: string) {
  return leaf({
    type: referDomains,
    default: value,
    defaultText: 'not checked',
    effect: 'new connections',
    since: 2,
    doc,
  });
}

export const refer = block(
  'Which web pages clients may come from: `pageUrl` of RTMP, the header `Referer` of HTTP. A client that names no page ' +
    'is refused where a list counts for it. A domain stands for itself and its subdomains (in SRS for every name that ' +
    'ends with it). Clients can write what they like here: it keeps other people’s pages away, nobody else.',
  {
    enabled: leaf({
      type: onOff,
      default: REFER.enabled,
      effect: 'new connections',
      since: 2,
      doc: 'Whether the lists count; one must be given then.',
    }),
    all: domains(REFER.all, 'Domains for players and publishers.'),
    publish: domains(REFER.publish, 'Domains for publishers, beside `all`: both must agree.'),
    play: domains(REFER.play, 'Domains for players, beside `all`: both must agree.'),
  },
);
