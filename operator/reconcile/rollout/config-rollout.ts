/** The ConfigMap for edges of which some may run another edge.conf than the others, and who runs which. */

import type { V1ConfigMap, V1Deployment } from '@kubernetes/client-node';
import { CHOICE_VARIABLE, CONFIG_HALTED, CONFIG_KEY } from '../../api/labels.ts';
import type { EdgeCluster } from '../../api/types.ts';
import type { Owned, OwnedObject } from '../../render/metadata.ts';
import type { Desired } from '../apply/desired.ts';
import type { ConfigTarget } from '../edges/pod-annotations.ts';
import {
  canaryFileOf,
  type Halted,
  haltedIn,
  haltedText,
  isRecorded,
  RECORD_KEY,
  recordedIn,
  recordOf,
} from './config-record.ts';
import { type Stage, type StageInput, type StageMemory, stageOf } from './config-stage.ts';

export interface ConfigRolloutInput extends Pick<StageInput, 'pods' | 'edge' | 'nowMs'> {
  /** With the spec that is in force. */
  readonly cluster: EdgeCluster;
  /** What is made of that. */
  readonly asked: Desired;
  /** Renders the same with another configuration. */
  readonly render: (cluster: EdgeCluster) => Desired;
  /** As they are now, where they are ours. */
  readonly configMap: V1ConfigMap | undefined;
  readonly deployment: V1Deployment | undefined;
}

export interface ConfigRolloutStep {
  /** What to apply now. */
  readonly desired: Desired;
  readonly stage: Stage;
  readonly canaries: ConfigTarget['canaries'];
}

export function configRollout(input: ConfigRolloutInput, memory: StageMemory): ConfigRolloutStep {
  const { cluster, asked, pods, edge, nowMs } = input;
  // Somebody may delete it in the middle.
  const configMap = input.configMap ?? memory.configMap;
  memory.configMap = configMap;
  const record = recordOf(cluster);
  const file = canaryFileOf(record);
  const former = canChoose(input.deployment) ? recordedIn(configMap, cluster) : undefined;
  const stable = former !== undefined && recordOf(former) !== record ? input.render(former) : undefined;
  if (former === undefined || stable === undefined || !stable.config.valid) {
    memory.about(undefined);
    return { desired: withConfigMap(asked, { record }), stage: { kind: 'all' }, canaries: undefined };
  }
  const isThere = configMap?.data?.[file] !== undefined;
  const halted = haltedIn(configMap);
  const stage = stageOf({ cluster, asked, stable, file, isThere, halted, pods, edge, nowMs }, memory);
  const { hash } = asked.config;
  switch (stage.kind) {
    case 'all':
      return { desired: withConfigMap(asked, { record }), stage, canaries: undefined };
    case 'watching':
      return {
        desired: withConfigMap(asked, { record: recordOf(former), stable, file }),
        stage,
        canaries: hash === undefined ? undefined : { file, hash, uids: stage.canaries },
      };
    case 'halted': {
      const halted = { file, message: stage.message };
      return {
        desired: withConfigMap(asked, { record: recordOf(former), stable, halted }),
        stage,
        canaries: undefined,
      };
    }
  }
}

/** Whether pods look for a choice. Those of an operator before 0.2.0 do not. */
function canChoose(deployment: V1Deployment | undefined): boolean {
  const env = deployment?.spec?.template.spec?.containers.flatMap((container) => container.env ?? []);
  return env?.some(({ name }) => name === CHOICE_VARIABLE) === true;
}

interface Content {
  /** What the edge.conf in it was made of. */
  readonly record: string;
  /** Where the edges are to run another edge.conf than what is asked for. */
  readonly stable?: Desired;
  /** The one that is asked for, as another file. */
  readonly file?: string;
  readonly halted?: Halted;
}

function withConfigMap(asked: Desired, { record, stable, file, halted }: Content): Desired {
  const own = asked.objects.find(isConfigMap);
  const base = stable === undefined ? own : stable.objects.find(isConfigMap);
  if (own === undefined || base === undefined) return asked;
  const { metadata } = own;
  const configMap: Owned<V1ConfigMap> = {
    ...own,
    ...(halted !== undefined && {
      metadata: { ...metadata, annotations: { ...metadata.annotations, [CONFIG_HALTED]: haltedText(halted) } },
    }),
    data: {
      // With certificates of origins, which both may name.
      ...(file !== undefined && { ...own.data, [file]: own.data?.[CONFIG_KEY] ?? '' }),
      ...base.data,
      ...(isRecorded(record) && { [RECORD_KEY]: record }),
    },
  };
  return {
    ...asked,
    // The rest of the spec is in force.
    config: stable?.config.valid === true ? { ...asked.config, hash: stable.config.hash } : asked.config,
    objects: asked.objects.map((object) => (object === own ? remembered(own, configMap) : object)),
  };
}

function isConfigMap(object: OwnedObject): object is Owned<V1ConfigMap> {
  return object.kind === 'ConfigMap';
}

/** The same object as long as nothing in it changes: what is derived from it need not be made again. */
const made = new WeakMap<OwnedObject, { readonly text: string; readonly configMap: Owned<V1ConfigMap> }>();

function remembered(own: OwnedObject, configMap: Owned<V1ConfigMap>): Owned<V1ConfigMap> {
  const text = JSON.stringify([configMap.data, configMap.metadata.annotations]);
  const known = made.get(own);
  if (known?.text === text) return known.configMap;
  made.set(own, { text, configMap });
  return configMap;
}
