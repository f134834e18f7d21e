/** Our own last write of one object. It counts until a watch shows it, or what has become of it. */

import type { KubernetesObject } from '@kubernetes/client-node';
import { isCoveredBy, isOlder } from '../../kube/resource-version.ts';

export class OwnWrite<T extends KubernetesObject> {
  /** The object as the write left it; undefined: the watch has shown it. */
  #answer: T | undefined;
  /** The last object of this name whose end was shown. */
  #goneUid: string | undefined;

  /** The object as it is now: of what the watch shows and our own write the newer. */
  newest(shown: T | undefined): T | undefined {
    const answer = this.#answer;
    return answer !== undefined && (shown === undefined || isOlder(shown, answer)) ? answer : shown;
  }

  /**
   * The write is done. False: the watch was ahead of this answer, and has shown already what became of the object.
   * @param listVersion of the last list; undefined: there was none
   */
  answered(answer: T, listVersion: string | undefined): boolean {
    const isGone = this.#goneUid !== undefined && this.#goneUid === answer.metadata?.uid;
    const isListed = listVersion !== undefined && isCoveredBy(answer, listVersion);
    this.#answer = isGone || isListed ? undefined : answer;
    return this.#answer !== undefined;
  }

  /** The watch shows this. True: it is what we wrote. */
  seen(object: T): boolean {
    const answer = this.#answer;
    if (answer === undefined || isOlder(object, answer)) return false;
    this.#answer = undefined;
    return object.metadata?.resourceVersion === answer.metadata?.resourceVersion;
  }

  /** The object was deleted. Ours may have taken its place already. @param uid undefined: nobody knows */
  deleted(uid: string | undefined): void {
    this.#goneUid = uid;
    if (uid === undefined || uid === this.#answer?.metadata?.uid) this.#answer = undefined;
  }

  /**
   * All objects were listed, and the watch has shown them. True: ours is not among them. It was deleted before any
   * watch could show it.
   */
  listed(version: string): boolean {
    if (this.#answer === undefined || !isCoveredBy(this.#answer, version)) return false;
    this.#answer = undefined;
    return true;
  }
}
