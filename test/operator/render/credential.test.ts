/** Credentials of the edges' API: what they depend on, and where they stand. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import type { V1Deployment, V1Secret } from '@kubernetes/client-node';
import {
  apiCredentials,
  basicAuthorization,
  credentialLines,
  type MasterKeys,
  metricsCredentials,
  ticketSecret,
} from '../../../operator/render/credential.ts';
import type { PodMonitor } from '../../../operator/render/pod-monitor.ts';
import { render } from '../../../operator/render/render.ts';
import { edgeCluster } from '../../support/edge-clusters.ts';
import { inputOf } from './cases.ts';

const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const keys: MasterKeys = { current: key(1), former: undefined };
const cluster = edgeCluster();

function password(metadata: object, current = key(1)): string {
  const [first] = apiCredentials({ ...cluster, metadata: { ...cluster.metadata, ...metadata } }, { ...keys, current });
  assert.ok(first);
  return first.password;
}

describe('the credential of an EdgeCluster', () => {
  it('is an HMAC of what it is for', () => {
    const { uid, namespace, name } = cluster.metadata;
    const expected = createHmac('sha256', Buffer.alloc(32, 1)).update(`edge-api/v1/${uid}/${namespace}/${name}`);
    assert.equal(password({}), expected.digest('base64url'));
    assert.match(password({}), /^[\w-]{43}$/);
  });

  it('is another one for each name, namespace, uid and key', () => {
    const all = [
      password({}),
      password({ name: 'other' }),
      password({ namespace: 'other' }),
      password({ uid: 'other' }),
      password({}, key(2)),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it('stays valid beside a new one', () => {
    const [current, former, ...more] = apiCredentials(cluster, { current: key(2), former: key(1) });
    assert.equal(current?.password, password({}, key(2)));
    assert.equal(former?.password, password({}, key(1)));
    assert.deepEqual(more, []);
  });

  it('is sent as Basic authentication has it', () => {
    const header = basicAuthorization({ username: 'operator', password: 'x:ü' });
    assert.equal(Buffer.from(header.replace('Basic ', ''), 'base64').toString(), 'operator:x:ü');
  });
});

describe('the Secret with the credentials', () => {
  const input = inputOf(cluster);
  const rendered = (masterKeys: MasterKeys | undefined) =>
    render({ ...input, settings: { ...input.settings, masterKeys } }).objects;
  const isSecret = ({ kind }: { readonly kind: string }) => kind === 'Secret';

  it('holds the file that edges read, a line for each', () => {
    const secret = rendered({ current: key(2), former: key(1) }).find(isSecret) as V1Secret | undefined;
    const file = Buffer.from(secret?.data?.credentials ?? '', 'base64').toString();
    assert.equal(file, `operator:${password({}, key(2))}\noperator:${password({}, key(1))}\n`);
  });

  it('alone holds them: no other object changes with the key, so that no pod is replaced', () => {
    const others = (masterKeys: MasterKeys | undefined) => rendered(masterKeys).filter((object) => !isSecret(object));
    assert.deepEqual(others({ current: key(2), former: key(1) }), others(keys));
    assert.deepEqual(others(undefined), others(keys));
    assert.ok(!JSON.stringify(others(keys)).includes(password({})));
  });

  it('holds others for the metrics where they are asked for, and the PodMonitor names them', () => {
    const asking = edgeCluster({ spec: { listeners: { exporter: { requireCredentials: true } } } });
    const all = inputOf(asking);
    const settings = { ...all.settings, masterKeys: { current: key(2), former: key(1) }, podMonitors: true };
    const { objects, config } = render({ ...all, settings });
    const { data = {} } = objects.find(isSecret) as V1Secret;
    const textOf = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString();
    const [newest, former] = metricsCredentials(asking, settings.masterKeys);
    assert.ok(newest && former);
    assert.equal(textOf('metrics-credentials'), `metrics:${newest.password}\nmetrics:${former.password}\n`);
    assert.deepEqual([textOf('metrics-username'), textOf('metrics-password')], ['metrics', newest.password]);
    assert.ok(!textOf('credentials').includes(newest.password), 'they do not open the API');
    assert.equal(config.config.exporter.credentialsFile, '/etc/edge-api/metrics-credentials');
    const monitor = objects.find(({ kind }) => kind === 'PodMonitor') as PodMonitor;
    const name = `${asking.metadata.name}-api-credentials`;
    assert.deepEqual(monitor.spec.podMetricsEndpoints[0]?.basicAuth, {
      username: { name, key: 'metrics-username' },
      password: { name, key: 'metrics-password' },
    });
  });

  it('holds the secret of TLS session tickets where a listener has TLS, and edges find it there', () => {
    const secretName = 'cert';
    const named = { name: 'SRS_EDGE_TLS_TICKET_KEYS_FILE' };
    const variable = (objects: ReturnType<typeof rendered>) => {
      const deployment = objects.find(({ kind }) => kind === 'Deployment') as V1Deployment;
      return deployment.spec?.template.spec?.containers[0]?.env?.filter(({ name }) => name === named.name);
    };
    const withTls = [
      { listeners: { rtmps: { secretName } } },
      { listeners: { https: { secretName } } },
      { listeners: { rtmps: { secretName }, http: { enabled: false } } },
    ];
    for (const spec of withTls) {
      const secure = edgeCluster({ spec });
      const all = inputOf(secure);
      const settings = { ...all.settings, masterKeys: { current: key(2), former: key(1) } };
      const { objects } = render({ ...all, settings });
      const { data = {} } = objects.find(isSecret) as V1Secret;
      const text = Buffer.from(data['tls-ticket-keys'] ?? '', 'base64').toString();
      assert.equal(text, `${ticketSecret(secure, { current: key(2), former: undefined })}\n`);
      assert.deepEqual(variable(objects), [{ ...named, value: '/etc/edge-api/tls-ticket-keys' }]);
    }
    assert.notEqual(ticketSecret(cluster, keys), ticketSecret(edgeCluster({ metadata: { name: 'other' } }), keys));
    assert.ok(!credentialLines(apiCredentials(cluster, keys)).includes(ticketSecret(cluster, keys)));
    const plain = rendered(keys);
    assert.equal('tls-ticket-keys' in ((plain.find(isSecret) as V1Secret).data ?? {}), false);
    assert.deepEqual(variable(plain), []);
  });

  it('to ask for credentials of the metrics replaces no pods', () => {
    const deploymentOf = (spec: Readonly<Record<string, unknown>>) =>
      render(inputOf(edgeCluster({ spec }))).objects.find(({ kind }) => kind === 'Deployment');
    const asking = { listeners: { exporter: { requireCredentials: true } } };
    assert.deepEqual(deploymentOf(asking), deploymentOf({}));
  });

  it('is not rendered without a master key', () => {
    assert.equal(rendered(undefined).some(isSecret), false);
  });
});
