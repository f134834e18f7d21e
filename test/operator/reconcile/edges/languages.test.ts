/** Edges of several versions at once, as in the middle of an upgrade: each finds a configuration that it can read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1ConfigMap, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { LANGUAGE } from '../../../../edge/conf/language.ts';
import { CONFIG_KEY, configKeyOf, languageOf, newestConfig } from '../../../../operator/api/labels.ts';
import { RESOURCES } from '../../../../operator/kube/resources.ts';
import { otherLanguages } from '../../../../operator/reconcile/edges/languages.ts';
import { FakeEdge } from '../../../support/fake-edge.ts';
import { namespace, OperatorScene } from '../../../support/operator-scene.ts';
import { deployment, pod } from '../scenes.ts';

const newer = LANGUAGE + 1;

/** The template of a Deployment whose edges read this file. */
const reading = (key: string) => ({ spec: { containers: [{ name: 'edge', args: ['-c', `/etc/edge/${key}`] }] } });

const rolling = (key: string): V1Deployment => ({
  ...deployment({ updatedReplicas: 1 }),
  spec: { selector: {}, template: reading(key) },
});
const rolled = (key: string): V1Deployment => ({ ...deployment(), spec: { selector: {}, template: reading(key) } });
const map = (...keys: string[]): V1ConfigMap => ({ data: Object.fromEntries(keys.map((key) => [key, 'x'])) });

describe('languages that edges read', () => {
  it('have each a key of the ConfigMap; no other key is one', () => {
    for (const language of [1, 2, 3, 10, 9999]) assert.equal(languageOf(configKeyOf(language)), language);
    for (const key of [
      'edge-1.conf',
      'edge-.conf',
      'edge-02.conf',
      'edge.conf.bak',
      'my-edge.conf',
      'origin-a.pem',
      '',
    ])
      assert.equal(languageOf(key), undefined, key);
    assert.equal(configKeyOf(1), 'edge.conf', 'pods of 0.1.0 are started with it');
  });

  it('of the files in a ConfigMap that in the newest language tells most', () => {
    const data = {
      'origin-a.pem': 'x',
      'edge-10.conf': 'ten',
      'edge.conf': 'one',
      'edge-2.conf': 'two',
      'edge-x.conf': '',
    };
    assert.deepEqual(newestConfig(data)?.text, 'ten');
    assert.deepEqual(newestConfig({ 'edge.conf': 'one' })?.key, 'edge.conf', 'as 0.1.0 leaves it');
    assert.equal(newestConfig({ 'origin-a.pem': 'x' }), undefined);
  });

  it('are those of pods, draining ones too, and of the template', () => {
    const pods = [pod('a'), pod('b', 'ending', { language: 1 }), pod('c', 'ready', { language: undefined })];
    assert.deepEqual(otherLanguages(pods, rolled(CONFIG_KEY), map()), [1]);
    assert.deepEqual(otherLanguages([], rolled('edge.conf'), map()), [1]);
    assert.deepEqual(otherLanguages([pod('a', 'ready', { language: newer })], undefined, undefined), [newer]);
    assert.deepEqual(otherLanguages([pod('a')], rolled(CONFIG_KEY), map('edge.conf', 'x.pem')), []);
  });

  it('of what the ConfigMap has nothing goes while pods of former templates may still be made', () => {
    assert.deepEqual(otherLanguages([pod('a')], rolling(CONFIG_KEY), map('edge.conf', 'x.pem', CONFIG_KEY)), [1]);
  });
});

describe('in the middle of an upgrade', () => {
  /** An EdgeCluster as the operator before left it: its pods read `key`. */
  async function upgraded(t: { after(fn: () => void): void }, key: string, spec: object = {}) {
    const scene = await OperatorScene.start(t);
    const before = scene.operator();
    scene.cluster('live', spec);
    await scene.settled('live', before);
    await before.stop();
    scene.kube.change<V1ConfigMap>(RESOURCES.ConfigMap, namespace, 'live', (map) => ({
      ...map,
      data: { [key]: map.data?.[CONFIG_KEY] ?? '' },
    }));
    const edge = await FakeEdge.start(t);
    const labels = scene.deployment('live')?.spec?.template.metadata?.labels ?? {};
    scene.kube.put(withArgs(edge.pod('live-0', 'live', namespace, labels), key));
    scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, 'live', (deployment) => {
      const template = { ...deployment.spec?.template, ...reading(key) };
      return {
        ...deployment,
        spec: { ...deployment.spec, selector: deployment.spec?.selector ?? {}, template },
        status: { observedGeneration: (deployment.metadata?.generation ?? 0) + 9, replicas: 1, updatedReplicas: 1 },
      };
    });
    const running = scene.operator();
    const data = () => scene.get<V1ConfigMap>(RESOURCES.ConfigMap, 'live')?.data ?? {};
    await scene.kube.until(() => data()[CONFIG_KEY] !== undefined);
    await scene.settled('live', running);
    return { scene, running, data };
  }

  const withArgs = (pod: V1Pod, key: string): V1Pod => ({
    ...pod,
    spec: {
      ...pod.spec,
      containers: (pod.spec?.containers ?? []).map((one) => ({
        ...one,
        name: 'edge',
        args: ['-c', `/etc/edge/${key}`],
      })),
    },
  });

  it('edges of the former version keep a file that they can read, and it follows all that they know', async (t) => {
    const extraDirectives = 'edge { page_figures on; probe_min 900; }';
    const { scene, running, data } = await upgraded(t, 'edge.conf', { extraDirectives });
    const template = () => scene.deployment('live')?.spec?.template.spec?.containers[0]?.args;
    assert.deepEqual(template(), ['-c', `/etc/edge/${CONFIG_KEY}`], 'new pods read the new language');
    assert.match(data()[CONFIG_KEY] ?? '', /page_figures on;/);
    assert.doesNotMatch(data()['edge.conf'] ?? '', /page_figures/);
    assert.match(data()['edge.conf'] ?? '', /probe_min 900;/);
    const told = () => scene.condition('live', 'ConfigValid')?.message ?? '';
    const lacking = /edges that read edge\.conf, of a former version, do without page_figures/;
    await scene.kube.until(() => lacking.test(told()));
    assert.equal(scene.condition('live', 'ConfigValid')?.reason, 'Valid');

    scene.cluster('live', { extraDirectives, origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    await scene.settled('live', running);
    for (const key of ['edge.conf', CONFIG_KEY]) assert.match(data()[key] ?? '', /elsewhere:1935/, key);

    // The last of them ends when the rollout is done: nobody reads its file any more.
    scene.kube.change<V1Deployment>(RESOURCES.Deployment, namespace, 'live', (deployment) => ({
      ...deployment,
      status: { ...deployment.status, observedGeneration: deployment.metadata?.generation ?? 0, updatedReplicas: 1 },
    }));
    await scene.idle(running);
    assert.ok(data()['edge.conf'] !== undefined, 'its pod drains');
    scene.kube.remove(RESOURCES.Pod, namespace, 'live-0');
    await scene.kube.until(() => data()['edge.conf'] === undefined);
    await scene.kube.until(() => !lacking.test(told()));
    assert.deepEqual(
      Object.keys(data()).filter((name) => name.endsWith('.conf')),
      [CONFIG_KEY],
    );
  });

  it('a step back: edges of a newer version keep their file, too', async (t) => {
    const key = configKeyOf(newer);
    const { scene, running, data } = await upgraded(t, key);
    scene.cluster('live', { origins: [{ name: 'main', servers: ['elsewhere:1935'] }] });
    await scene.settled('live', running);
    for (const each of [key, CONFIG_KEY]) assert.match(data()[each] ?? '', /elsewhere:1935/, each);
  });
});
