/**
 * A configuration that is on its way to the edges (spec.configRollout), as the cluster shows it: which edges run which
 * one, and what is held back from them.
 */
import type { V1ConfigMap, V1Pod } from '@kubernetes/client-node';
import { diffConfig, isSame } from '../../edge/conf/diff.ts';
import type { EdgeConfig } from '../../edge/conf/model.ts';
import { CONFIG_FILE, CONFIG_KEY, nameOf } from '../api/labels.ts';
import type { EdgeCluster } from '../api/types.ts';
import { haltedIn, recordedIn, triedIn } from '../reconcile/rollout/config-record.ts';
import { isTriedFirst } from '../render/config-risk.ts';
import type { Rendered } from '../render/render.ts';
import { configOf, type State } from './change-cost.ts';
import type { Finding } from './cost.ts';

/** What the cluster holds of a rollout that is not done. */
export interface StagedNow {
  /** The changed configuration, which is tried or was put back. */
  readonly file: string;
  /** With the spec that the other edges run. */
  readonly inForce: EdgeCluster;
  /** It was put back: which edge said what. Undefined: it is tried. */
  readonly halted: string | undefined;
  /** Names of pods. Undefined: who asks may not list them. */
  readonly pods: { readonly trying: readonly string[]; readonly others: readonly string[] } | undefined;
}

/** Undefined: all edges run what the spec asks for. @param present the EdgeCluster in the cluster */
export function stagedIn(
  configMap: V1ConfigMap | undefined,
  pods: readonly V1Pod[] | undefined,
  present: EdgeCluster,
): StagedNow | undefined {
  const halted = haltedIn(configMap);
  const file = triedIn(configMap) ?? halted?.file;
  const inForce = recordedIn(configMap, present);
  if (file === undefined || inForce === undefined) return undefined;
  const running = pods?.filter(({ metadata, status }) => !metadata?.deletionTimestamp && status?.phase === 'Running');
  const namesOf = (isTrying: boolean): string[] | undefined =>
    running
      ?.filter(({ metadata }) => (metadata?.annotations?.[CONFIG_FILE] === file) === isTrying)
      .map(({ metadata }) => metadata?.name ?? '')
      .sort();
  const [trying, others] = [namesOf(true), namesOf(false)];
  return {
    file,
    inForce,
    halted: file === halted?.file ? halted.message : undefined,
    pods: trying && others && { trying, others },
  };
}

/** Which edges run which configuration, and what a manifest makes of that. */
export interface Rollout {
  readonly state: 'trying' | 'halted';
  readonly running: readonly { readonly file: string; readonly pods: readonly string[] | undefined }[];
  /** What the spec in the cluster asks for and edges do not run: `max_connections: 10000 → 7`. */
  readonly heldBack: readonly string[];
  /** The manifest asks for the changed configuration, too; for the one in force; or for a third one. */
  readonly manifest: 'goes on' | 'takes back' | 'replaces';
}

export interface StagedReport {
  readonly rollout: Rollout;
  /** The same in words. */
  readonly notes: readonly string[];
}

export interface StagedConfigs {
  readonly inForce: Rendered;
  /** Of the spec in the cluster. */
  readonly present: Rendered;
  /** Of the manifest. */
  readonly next: Rendered;
}

export function stagedReport(now: StagedNow, { inForce, present, next }: StagedConfigs): StagedReport {
  const { file, halted, pods } = now;
  const heldBack = changesOf(inForce.config.config, present.config.config);
  const manifest =
    next.config.text === present.config.text
      ? 'goes on'
      : next.config.text === inForce.config.text
        ? 'takes back'
        : 'replaces';
  const running = [
    { file: CONFIG_KEY, pods: pods?.others },
    ...(halted === undefined ? [{ file, pods: pods?.trying }] : []),
  ];
  const others = `${CONFIG_KEY}, the one in force, runs on ${namesOf(pods?.others, 'the other edges')}`;
  const stage =
    halted === undefined
      ? `a changed configuration is tried: ${file} runs on ${namesOf(pods?.trying, 'some edges')}; ${others}`
      : `a changed configuration was put back, since ${halted}: ${others}`;
  const state = halted === undefined ? 'trying' : 'halted';
  return {
    rollout: { state, running, heldBack, manifest },
    notes: [
      stage,
      `held back from ${halted === undefined ? 'the others' : 'all edges'}: ${someOf(heldBack, 'nothing that edges notice')}`,
      verdicts[manifest][state],
    ],
  };
}

const verdicts = {
  'goes on': {
    trying: 'this manifest asks for the tried configuration, too: the rollout goes on as it is',
    halted: 'this manifest asks for the configuration that was put back: it stays so',
  },
  'takes back': {
    trying: 'this manifest asks for the configuration in force: the edges that try another one get it back',
    halted: 'this manifest asks for the configuration in force: what was put back is forgotten',
  },
  replaces: {
    trying: 'this manifest gives the tried configuration up; the list is compared with the one in force',
    halted: 'this manifest asks for a third configuration; the list is compared with the one in force',
  },
} as const;

/** Edges that try a configuration that the manifest gives up. */
export function givenUp(now: StagedNow, { manifest }: Rollout): Finding[] {
  if (now.halted !== undefined || manifest === 'goes on') return [];
  const who = namesOf(now.pods?.trying, 'the edges that try it');
  return [
    {
      cost: 'reload',
      object: `ConfigMap ${nameOf(now.inForce)}`,
      change: `${now.file} is gone`,
      effect: `${CONFIG_KEY} runs on ${who} again`,
    },
  ];
}

/** How a change of the configuration will reach the edges; none where all get it at once. */
export function rolloutNotes(from: State | undefined, to: State, { spec }: EdgeCluster): string[] {
  if (from === undefined || templateOf(from) !== templateOf(to)) return [];
  const [before, after] = [configOf(from), configOf(to)];
  if (before === undefined || after === undefined || isSame(diffConfig(before.config, after.config))) return [];
  const { configRollout: settings } = spec;
  if (!isTriedFirst(settings, before.config, after.config)) return [];
  const { canaries, watchSeconds } = settings;
  const share = typeof canaries === 'number' ? `${canaries} edges` : `${canaries} of the edges`;
  const then = `for ${watchSeconds} s; then the others get it, or it is put back`;
  return [`spec.configRollout: the changed configuration is tried on ${share} first, ${then}`];
}

/** What the status says of it, for who may not read the ConfigMap. */
export function rolloutInStatus({ status }: EdgeCluster): string[] {
  const of = { Progressing: ['ConfigCanary'], Degraded: ['ConfigHalted'] };
  return (status?.conditions ?? []).flatMap(({ type, reason, message }) =>
    Object.entries(of).some(([known, reasons]) => known === type && reasons.includes(reason)) ? [message] : [],
  );
}

/** The operator holds its new template of pods back, too. */
export function upgradeInStatus({ status }: EdgeCluster): string[] {
  return (status?.conditions ?? []).flatMap(({ type, reason, message }) =>
    type === 'Progressing' && ['UpgradeWaits', 'UpgradeHalted'].includes(reason) ? [message] : [],
  );
}

function changesOf(from: EdgeConfig, to: EdgeConfig): readonly string[] {
  const { changes, vhostsAdded, vhostsRemoved } = diffConfig(from, to);
  return [
    ...vhostsAdded.map((name) => `vhost ${name}: new`),
    ...vhostsRemoved.map((name) => `vhost ${name}: gone`),
    ...changes.map(({ path, from, to }) => `${path}: ${from || 'none'} → ${to || 'none'}`),
  ];
}

function templateOf(state: State): string {
  const deployment = state.find(({ kind }) => kind === 'Deployment') as { readonly spec?: { template?: unknown } };
  return JSON.stringify(deployment?.spec?.template);
}

/** For one line. */
function someOf(items: readonly string[], none: string, most = 5): string {
  if (items.length === 0) return none;
  const more = items.length > most ? ` and ${items.length - most} more` : '';
  return `${items.slice(0, most).join(', ')}${more}`;
}

function namesOf(pods: readonly string[] | undefined, unknown: string): string {
  return pods === undefined ? unknown : someOf(pods, 'no edges');
}
