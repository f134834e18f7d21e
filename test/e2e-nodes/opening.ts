/** What most scenarios begin with: two origins, a tier, and an audience that plays and publishes. */

import type { Cleaner } from '../support/programs.ts';
import { Audience, type Crowd } from './audience.ts';
import { Scene, type Spec } from './scene.ts';

interface Opening {
  /** Of the EdgeCluster, beside the origins. */
  readonly spec?: Spec;
  readonly crowd?: Crowd;
  /** Done before the origins start. */
  readonly prepare?: (scene: Scene) => Promise<void> | void;
}

/** Resolves when everybody plays. */
export async function openWithAudience(
  cleaner: Cleaner,
  { spec, crowd, prepare }: Opening = {},
): Promise<{ readonly scene: Scene; readonly audience: Audience }> {
  const scene = await Scene.open(cleaner);
  await prepare?.(scene);
  await scene.startOrigins(2);
  await scene.startTier(spec);
  return { scene, audience: await Audience.gather(cleaner, await scene.address(), crowd) };
}
