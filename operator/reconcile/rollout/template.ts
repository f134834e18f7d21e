/**
 * Whose change another template of pods is: a person's, who changed the spec, or the operator's own, as after an upgrade
 * that brings another image or renders pods in another way. Annotations of the Deployment remember what is needed to
 * tell, so that the next operator knows it, too.
 */

import { createHash } from 'node:crypto';
import type { V1Deployment, V1PodTemplateSpec } from '@kubernetes/client-node';
import { TEMPLATE_ASKED, TEMPLATE_HASH, TURN_BEGAN } from '../../api/labels.ts';
import type { EdgeCluster, EdgeClusterSpec } from '../../api/types.ts';
import type { Owned } from '../../render/metadata.ts';

/** `asked`: by a person, or there is no Deployment yet. `own`: by this operator. */
export type TemplateChange = 'none' | 'asked' | 'own';

/** @param live the Deployment of the EdgeCluster, where there is one */
export function templateChange(
  { spec }: EdgeCluster,
  wanted: Owned<V1Deployment>,
  live: V1Deployment | undefined,
): TemplateChange {
  if (live === undefined) return 'asked';
  const annotations = live.metadata?.annotations ?? {};
  if (annotations[TEMPLATE_HASH] === templateHash(wanted)) return 'none';
  const asked = annotations[TEMPLATE_ASKED];
  // An operator before 0.2.0 made it: it brought its template at once, and what it was asked for is not known.
  return asked === undefined || asked === askedHash(spec) ? 'own' : 'asked';
}

/** When the operator last brought a template of its own accord; undefined: a person's change came after, or never. */
export function turnBegan({ metadata }: V1Deployment): string | undefined {
  return metadata?.annotations?.[TURN_BEGAN];
}

/** As rendered. @param began given: of the operator's own accord, at this time (RFC 3339) */
export function withTemplate(
  cluster: EdgeCluster,
  wanted: Owned<V1Deployment>,
  began: string | undefined,
): Owned<V1Deployment> {
  return annotated(wanted, {
    [TEMPLATE_HASH]: templateHash(wanted),
    [TEMPLATE_ASKED]: askedHash(cluster.spec),
    ...(began !== undefined && { [TURN_BEGAN]: began }),
  });
}

/** All as rendered but the template of pods, which stays as it is. */
export function withFormerTemplate(
  cluster: EdgeCluster,
  wanted: Owned<V1Deployment>,
  live: V1Deployment,
): Owned<V1Deployment> {
  const { spec } = wanted;
  const former = live.spec?.template;
  if (spec === undefined || former === undefined) return wanted;
  const hash = live.metadata?.annotations?.[TEMPLATE_HASH];
  const began = turnBegan(live);
  return annotated(
    { ...wanted, spec: { ...spec, template: withoutNulls(former) } },
    {
      ...(hash !== undefined && { [TEMPLATE_HASH]: hash }),
      [TEMPLATE_ASKED]: askedHash(cluster.spec),
      ...(began !== undefined && { [TURN_BEGAN]: began }),
    },
  );
}

function annotated(deployment: Owned<V1Deployment>, annotations: Record<string, string>): Owned<V1Deployment> {
  const { metadata } = deployment;
  return { ...deployment, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}

/** The API server shows `creationTimestamp: null` there. */
function withoutNulls({ metadata, ...template }: V1PodTemplateSpec): V1PodTemplateSpec {
  const kept = Object.entries(metadata ?? {}).filter(([, value]) => value !== null);
  return { ...template, metadata: Object.fromEntries(kept) };
}

/** What a person says about pods. All else of the spec leaves the template as it is (a test holds that). */
function askedHash({ pods, listeners, extraDirectives }: EdgeClusterSpec): string {
  return hashOf([pods, listeners, extraDirectives]);
}

/** Of what is rendered, which is the same object as long as nothing it is made of changes. */
const hashes = new WeakMap<Owned<V1Deployment>, string>();

function templateHash(rendered: Owned<V1Deployment>): string {
  const known = hashes.get(rendered);
  if (known !== undefined) return known;
  const hash = hashOf(rendered.spec?.template);
  hashes.set(rendered, hash);
  return hash;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
