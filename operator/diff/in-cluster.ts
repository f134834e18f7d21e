/** A change compared with the EdgeCluster that is in a cluster. */
import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Pod } from '@kubernetes/client-node';
import { admit } from '../api/admission.ts';
import { autoscalingNotes } from '../api/autoscaling.ts';
import { nameOf, selectorOf } from '../api/labels.ts';
import { readText } from '../api/manifests.ts';
import type { EdgeCluster } from '../api/types.ts';
import { loadAccess } from '../kube/access.ts';
import { ApiError, KubeApi } from '../kube/api.ts';
import { RESOURCES } from '../kube/resources.ts';
import { clustersOf, inNamespace, ManifestError } from '../manifest.ts';
import type { Rendered } from '../render/render.ts';
import { renderOffline } from '../render-offline.ts';
import { version } from '../version.ts';
import { changeCost } from './change-cost.ts';
import { dryRun } from './dry-run.ts';
import { pauseNotes, type Report } from './report.ts';
import { scaledFrom } from './scaled.ts';
import {
  givenUp,
  rolloutInStatus,
  rolloutNotes,
  type StagedNow,
  stagedIn,
  stagedReport,
  upgradeInStatus,
} from './staged.ts';

export interface Asked {
  /** The manifest with the change. */
  readonly text: string;
  /** What to call it in messages. */
  readonly title: string;
  /** Only this EdgeCluster. */
  readonly name: string | undefined;
  /** Where the manifest names none; undefined: that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  readonly dryRun: 'server' | 'client';
  /** Undefined: the image that runs, or else `defaultImage`. */
  readonly edgeImage: string | undefined;
  readonly defaultImage: string;
}

export class InCluster {
  readonly #api: KubeApi;
  readonly #namespace: string | undefined;

  private constructor(api: KubeApi, namespace: string | undefined) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Throws ManifestError when there is no way to a cluster. */
  static async connect({ kubeconfig, context }: Kubeconfig): Promise<InCluster> {
    try {
      const access = await loadAccess(kubeconfig, context);
      return new InCluster(new KubeApi(access, { userAgent: `edgecluster/${version}` }), access.namespace);
    } catch (error) {
      const remedy = 'give --kubeconfig, or --from FILE to compare without a cluster';
      throw new ManifestError(`there is no way to a cluster: ${(error as Error).message}; ${remedy}`);
    }
  }

  /** Throws ManifestError or ApiError. */
  async reports(asked: Asked): Promise<readonly Report[]> {
    const { text, title, name, namespace = this.#namespace ?? 'default' } = asked;
    const clusters = clustersOf(text, title, name).map((cluster) => inNamespace(cluster, namespace));
    const reports: Report[] = [];
    for (const cluster of clusters) reports.push(await this.#report(cluster, asked));
    return reports;
  }

  close(): void {
    this.#api.close();
  }

  async #report(wanted: EdgeCluster, asked: Asked): Promise<Report> {
    const { namespace = 'default' } = wanted.metadata;
    const name = nameOf(wanted);
    const title = `${namespace}/${name}`;
    const live = await this.#api.get<EdgeCluster>(RESOURCES.EdgeCluster, namespace, name);
    const next = asked.dryRun === 'client' ? wanted : await this.#dryRun(wanted, live, asked);
    const present = live && admitted(live, `${title} in the cluster`);
    const edgeImage = asked.edgeImage ?? (present && (await this.#runningImage(present))) ?? asked.defaultImage;
    const settings = { edgeImage, podMonitors: false };
    const from = present && renderPresent(present, settings);
    const after = renderOffline(scaledFrom(from?.objects, next), settings, asked.title);
    const { now, notes } = live && present ? await this.#staged(live, present) : noRollout;
    const inForce = now && renderPresent(now.inForce, settings);
    const report = now && inForce && from && stagedReport(now, { inForce, present: from, next: after });
    // To apply what is on its way already changes nothing.
    const before = (report === undefined || report.rollout.manifest === 'goes on' ? from : inForce)?.objects;
    const further = now && report ? givenUp(now, report.rollout) : [];
    return {
      cluster: title,
      notes: [
        ...(live ? [presence(live), ...upgradeInStatus(live)] : []),
        ...(report?.notes ?? notes),
        ...rolloutNotes(before, after.objects, next),
        ...pauseNotes(present, next),
        ...autoscalingNotes(next),
      ],
      ...(report && { rollout: report.rollout }),
      ...changeCost(before, after.objects, further),
    };
  }

  /** A rollout that is not done, or what the status says of it where who asks may not read more. */
  async #staged(live: EdgeCluster, present: EdgeCluster): Promise<RolloutSeen> {
    const { namespace = 'default', name = '' } = live.metadata;
    const configMap = await allowed(this.#api.get<V1ConfigMap>(RESOURCES.ConfigMap, namespace, name));
    if (configMap === 'forbidden') {
      const told = rolloutInStatus(live);
      const remedy = `the list is compared with the spec, which not all edges run; with the right to get ConfigMap ${name} it tells more`;
      return told.length === 0 ? noRollout : { now: undefined, notes: [...told, remedy] };
    }
    if (stagedIn(configMap, [], present) === undefined) return noRollout;
    const labelSelector = selectorOf(present);
    const pods = await allowed(this.#api.list<V1Pod>(RESOURCES.Pod, { namespace, labelSelector }));
    return { now: stagedIn(configMap, pods === 'forbidden' ? undefined : pods.items, present), notes: [] };
  }

  async #dryRun(wanted: EdgeCluster, live: EdgeCluster | undefined, asked: Asked): Promise<EdgeCluster> {
    const { namespace, name } = wanted.metadata;
    try {
      const judged = await dryRun(this.#api, written(asked, wanted), live);
      return admitted(judged, `${namespace}/${name} as the API server would have it`);
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'Forbidden' && / cannot (create|patch) /.test(error.message)))
        throw error;
      const remedy = 'for a dry run you need the right to make the change; with --dry-run client you need only read';
      throw new ManifestError(`${error.message}; ${remedy}`);
    }
  }

  /** The operator's own for EdgeClusters that name none; undefined where that cannot be seen. */
  async #runningImage({ metadata, spec }: EdgeCluster): Promise<string | undefined> {
    if (spec.pods.image !== undefined) return undefined;
    try {
      const { namespace, name = '' } = metadata;
      const deployment = await this.#api.get<V1Deployment>(RESOURCES.Deployment, namespace, name);
      return deployment?.spec?.template.spec?.containers.find(({ name }) => name === 'edge')?.image;
    } catch (error) {
      if (error instanceof ApiError && error.status === 403) return undefined;
      throw error;
    }
  }
}

interface RolloutSeen {
  readonly now: StagedNow | undefined;
  readonly notes: readonly string[];
}

const noRollout: RolloutSeen = { now: undefined, notes: [] };

/** An answer, or that who asks has no right to it. */
async function allowed<T>(answer: Promise<T>): Promise<T | 'forbidden'> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return 'forbidden';
    throw error;
  }
}

interface Kubeconfig {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

/** The manifest of an EdgeCluster without the defaults that we have filled in. */
function written({ text, title }: Asked, { metadata }: EdgeCluster): KubernetesObject {
  const manifests = readText(text, title).map(({ value }) => value as EdgeCluster);
  const found = manifests.find(
    (one) =>
      one.kind === 'EdgeCluster' &&
      one.metadata.name === metadata.name &&
      (one.metadata.namespace ?? metadata.namespace) === metadata.namespace,
  );
  if (found === undefined) throw new ManifestError(`${title}: EdgeCluster ${metadata.name} is not there any more`);
  return {
    ...found,
    metadata: { ...found.metadata, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) },
  };
}

/** Throws ManifestError when the operator cannot run it either. */
function renderPresent(present: EdgeCluster, settings: { edgeImage: string; podMonitors: boolean }): Rendered {
  try {
    return renderOffline(present, settings, 'in the cluster');
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const remedy = 'its edges run an earlier spec; give that with --from';
    throw new ManifestError(`${error.message}\nthe spec in the cluster is not in force: ${remedy}`);
  }
}

/** An EdgeCluster of the API server, whose definition may be older or newer than ours. Throws ManifestError. */
function admitted({ apiVersion, kind, metadata, ...rest }: KubernetesObject, title: string): EdgeCluster {
  const { spec } = rest as { readonly spec?: unknown };
  const admission = admit({ apiVersion, kind, metadata, spec });
  if (admission.ok) return admission.cluster;
  const remedy = `use the edgecluster of the operator's version (this is ${version})`;
  throw new ManifestError([...admission.errors.map((error) => `${title}: ${error}`), remedy].join('\n'));
}

/** Who is connected, by the operator's last look. */
function presence({ status }: EdgeCluster): string {
  const { readyReplicas = 0, players, publishers = 0 } = status ?? {};
  if (players === undefined) return `now: ${readyReplicas} edges ready; how many clients they have is not known`;
  return `now: ${readyReplicas} edges ready, ${players} players, ${publishers} publishers`;
}
