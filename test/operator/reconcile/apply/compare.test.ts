import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences } from '../../../../operator/reconcile/apply/compare.ts';

const paths = (wanted: unknown, live: unknown): string[] => differences(wanted, live).map(({ path }) => path);

/** The template of a pod with one container. */
const pod = (container: object, spec: object = {}): object => ({
  spec: { template: { spec: { containers: [{ name: 'edge', ...container }], ...spec } } },
});

describe('comparing a wanted object with a live one', () => {
  it('what is there besides is not a difference', () => {
    const wanted = { metadata: { name: 'a', labels: { x: '1' } }, spec: { replicas: 2 } };
    const live = {
      metadata: { name: 'a', uid: 'u', labels: { x: '1', theirs: '2' } },
      spec: { replicas: 2, paused: false },
      status: { replicas: 1 },
    };
    assert.deepEqual(paths(wanted, live), []);
  });

  it('names the fields that differ, and what is there', () => {
    const wanted = { data: { 'edge.conf': 'a' }, spec: { replicas: 2, strategy: { type: 'x' } } };
    assert.deepEqual(differences(wanted, { data: { 'edge.conf': 'b' }, spec: { replicas: 3, strategy: 7 } }), [
      { path: "data['edge.conf']", live: 'b' },
      { path: 'spec.replicas', live: 3 },
      { path: 'spec.strategy', live: 7 },
    ]);
    assert.deepEqual(paths(wanted, {}), ['data', 'spec']);
  });

  it('what is empty or zero may be left out by the server', () => {
    const wanted = { a: '', b: 0, c: false, d: [], e: {}, f: undefined, g: null, h: { i: undefined } };
    assert.deepEqual(paths(wanted, {}), []);
    assert.deepEqual(paths({ replicas: 0 }, { replicas: 1 }), ['replicas']);
    assert.deepEqual(paths({ on: true }, {}), ['on']);
  });

  it('the second family that the API server gives a Service is not a difference; another first one is', () => {
    const service = (...ipFamilies: readonly string[]) => ({ spec: { ipFamilies } });
    assert.deepEqual(paths(service('IPv4'), service('IPv4', 'IPv6')), []);
    assert.deepEqual(paths(service('IPv6'), service('IPv4', 'IPv6')), ['spec.ipFamilies[0]']);
    assert.deepEqual(paths(service('IPv4', 'IPv6'), service('IPv4')), ['spec.ipFamilies']);
  });

  it('quantities are the same however they are written, where a quantity stands', () => {
    const limits = (cpu: unknown, memory: unknown): object => pod({ resources: { limits: { cpu, memory } } });
    assert.deepEqual(paths(limits('1000m', '1024Mi'), limits('1', '1Gi')), []);
    assert.deepEqual(paths(limits('0.1', '1e3'), limits('100m', '1k')), []);
    assert.deepEqual(paths(limits(2, '1Gi'), limits('2', '1Gi')), []);
    assert.deepEqual(paths(limits('250m', '1Gi'), limits('251m', '1G')), [
      'spec.template.spec.containers[0].resources.limits.cpu',
      'spec.template.spec.containers[0].resources.limits.memory',
    ]);
    assert.deepEqual(paths({ metadata: { annotations: { a: '1.0' } } }, { metadata: { annotations: { a: '1' } } }), [
      'metadata.annotations.a',
    ]);
  });

  it("lists with keys: another's elements and another order do no harm", () => {
    const wanted = pod({ env: [{ name: 'A', value: '1' }] });
    const live = {
      spec: {
        template: {
          spec: {
            containers: [
              { name: 'sidecar' },
              {
                name: 'edge',
                env: [
                  { name: 'B', value: '2' },
                  { name: 'A', value: '1' },
                ],
              },
            ],
          },
        },
      },
    };
    assert.deepEqual(paths(wanted, live), []);
    assert.deepEqual(paths(wanted, { spec: { template: { spec: { containers: [{ name: 'sidecar' }] } } } }), [
      'spec.template.spec.containers[0]',
    ]);
  });

  it('other lists are one value', () => {
    assert.deepEqual(paths(pod({ args: ['-c', 'x'] }), pod({ args: ['-c', 'x', '-v'] })), [
      'spec.template.spec.containers[0].args',
    ]);
    const tolerations = (...keys: string[]): object => pod({}, { tolerations: keys.map((key) => ({ key })) });
    assert.deepEqual(paths(tolerations('a', 'b'), tolerations('b', 'a')), [
      'spec.template.spec.tolerations[0].key',
      'spec.template.spec.tolerations[1].key',
    ]);
  });

  it('ports of containers, Services and NetworkPolicies each have their way', () => {
    const port = { containerPort: 1935, name: 'rtmp' };
    assert.deepEqual(
      paths(pod({ ports: [port] }), pod({ ports: [{ ...port, protocol: 'TCP' }, { containerPort: 9 }] })),
      [],
    );
    const service = (...ports: object[]): object => ({ spec: { ports } });
    const http = { port: 80, protocol: 'TCP', targetPort: 'http' };
    assert.deepEqual(paths(service(http), service({ port: 7 }, { ...http, nodePort: 30001 })), []);
    assert.deepEqual(paths(service(http), service({ ...http, targetPort: 8080 })), ['spec.ports[0].targetPort']);
    const policy = (...ports: object[]): object => ({ spec: { ingress: [{ ports }] } });
    assert.deepEqual(paths(policy({ port: 1 }), policy({ port: 1 }, { port: 2 })), ['spec.ingress[0].ports']);
  });
});
