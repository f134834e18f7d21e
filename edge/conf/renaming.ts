/**
 * A block's settings, by the names of directives, as fields of the model and back. One table for both ways:
 * `{ mw_latency: 'mwLatencyMs' }`. Whoever leaves out a directive or a field gets a type error where the result is used.
 */

export type Names = Readonly<Record<string, string>>;

type Fields<S, N extends Names> = { readonly [K in keyof N as N[K]]: K extends keyof S ? S[K] : never };

type Settings<M, N extends Names> = { readonly [K in keyof N]: N[K] extends keyof M ? M[N[K]] : never };

/** Settings → fields of the model. */
export function toFields<S extends object, const N extends Names>(settings: S, names: N): Fields<S, N> {
  const values = settings as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(names).map(([name, field]) => [field, values[name]])) as Fields<S, N>;
}

/** Fields of the model → settings. */
export function fromFields<M extends object, const N extends Names>(model: M, names: N): Settings<M, N> {
  const values = model as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(names).map(([name, field]) => [name, values[field]])) as Settings<M, N>;
}
