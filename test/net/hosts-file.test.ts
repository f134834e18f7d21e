/** What a hosts file lists. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listed } from '../../edge/net/hosts-file.ts';

const hosts = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
fd00::1 \t origin.test other.test\t# spare.test
  10.0.0.1 Origin.Test
#10.0.0.2 origin.test
nonsense origin.test
10.0.0.3
`;

test('all addresses of a name count, in their order, whatever its case', () => {
  assert.deepEqual(listed('origin.test', hosts), ['fd00::1', '10.0.0.1']);
  assert.deepEqual(listed('ORIGIN.test', hosts), ['fd00::1', '10.0.0.1']);
  assert.deepEqual(listed('other.test', hosts), ['fd00::1']);
  assert.deepEqual(listed('origin.test', '10.0.0.1 origin.test\r\n'), ['10.0.0.1']);
});

test('a comment, a part of a name, or an address is no name', () => {
  for (const name of ['spare.test', 'origin', '10.0.0.3', 'test', '']) assert.deepEqual(listed(name, hosts), [], name);
  assert.deepEqual(listed('origin.test', ''), []);
});
