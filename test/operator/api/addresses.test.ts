/** The CRD's patterns for IP addresses and ranges, which stand for the isIP and isCIDR that Kubernetes 1.30 lacks. */
import assert from 'node:assert/strict';
import { isIP, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import { admit } from '../../../operator/api/admission.ts';
import fc from '../../support/property.ts';
import { manifestOf } from './wrong-manifests.ts';

const isServer = (server: string): boolean =>
  admit(manifestOf({ name: '', spec: JSON.stringify({ origins: [{ name: 'a', servers: [server] }] }) })).ok;

const isRange = (cidr: string): boolean => {
  const networkPolicy = { enabled: true, clients: [{ ipBlock: { cidr } }] };
  return admit(manifestOf({ name: '', spec: JSON.stringify({ networkPolicy }) })).ok;
};

/** What we do not take, though it is an address: dots in IPv6, and IPv4 as IPv6. */
const isOdd = (text: string): boolean => text.includes('.') || /^[0:]*:ffff:/i.test(text);

const octet = fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '00', '01', '256', '1000', '-1', ' 1'));
const dotted = fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join('.'));

const group = fc.oneof(
  { weight: 9, arbitrary: fc.nat(0xffff).map((bits) => bits.toString(16)) },
  { weight: 1, arbitrary: fc.constantFrom('', '', '0', 'ffff', '12345', 'g', 'FFFF', '0db8') },
);
/** Close to an address: about 8 groups, and often one of them left out. */
const colons = fc
  .tuple(
    fc.array(group, { minLength: 1, maxLength: 9 }),
    fc.nat(9),
    fc.boolean(),
    fc.constantFrom('', '', '', ':', '::'),
  )
  .map(([groups, at, isShort, end]) => {
    const inner = isShort ? [...groups.slice(0, at), '', ...groups.slice(at)] : groups;
    return `${inner.join(':')}${end}`;
  });
const well = fc.ipV6().filter((text) => !text.includes('.'));

describe('addresses in an EdgeCluster', () => {
  it('of IPv4 are those that Node takes for IPv4', () => {
    fc.assert(
      fc.property(fc.oneof(dotted, fc.ipV4()), (text) => {
        fc.pre(/^[0-9.]+$/.test(text));
        assert.equal(isServer(text), isIP(text) === 4, text);
        assert.equal(isServer(`${text}:1935`), isIP(text) === 4, text);
      }),
    );
  });

  it('of IPv6 are those that Node takes for IPv6, without IPv4 in them', () => {
    fc.assert(
      fc.property(fc.oneof(colons, well), (text) => {
        const isRight = isIPv6(text) && !isOdd(text);
        assert.equal(isServer(`[${text}]`), isRight, text);
        assert.equal(isServer(`[${text}]:1935`), isRight, text);
        assert.equal(isRange(`${text}/64`), isRight, text);
      }),
    );
  });

  it('have a length in bits where they are a range', () => {
    fc.assert(
      fc.property(fc.ipV4(), well, fc.nat(200), (v4, v6, bits) => {
        assert.equal(isRange(`${v4}/${bits}`), bits <= 32);
        assert.equal(isRange(`${v6}/${bits}`), bits <= 128 && !isOdd(v6), v6);
      }),
    );
    for (const range of [
      '10.0.0.0',
      '10.0.0.0/',
      '10.0.0.0/08',
      '10.0.0.0/8/8',
      '::/00',
      '::/',
      '/8',
      '::1%lo/64',
      'a/8',
    ])
      assert.equal(isRange(range), false, range);
  });
});
