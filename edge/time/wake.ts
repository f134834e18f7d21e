/** Waits for something to happen, or for a while. */

export class Wake {
  #go: (() => void) | undefined;

  /** Something has happened. */
  now(): void {
    this.#go?.();
  }

  /**
   * Resolves with whether something happened; false after so many milliseconds, if they are given. One may wait at a
   * time.
   */
  within(ms: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (happened: boolean): void => {
        clearTimeout(timer);
        this.#go = undefined;
        resolve(happened);
      };
      const timer = ms === undefined ? undefined : setTimeout(() => settle(false), ms);
      this.#go = () => settle(true);
    });
  }
}
