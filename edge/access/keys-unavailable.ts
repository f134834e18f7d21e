/** Nobody can be judged now: the keys cannot be had. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}
