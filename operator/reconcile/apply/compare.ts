/**
 * Whether an object on the API server is as we want it. Server-side apply gives us some fields of an object and leaves
 * the rest to the server (defaults, status) and to others; so what we want must be found in what is there, and more may
 * be there.
 *
 * Lists are merged as the API server merges them: some by the keys of their elements, all others are one value
 * (`x-kubernetes-list-type` of the built-in types).
 */

import type { KubernetesObject } from '@kubernetes/client-node';

/** A field that is not as wanted, and what is there instead. */
export interface Difference {
  /** `spec.template.spec.containers[0].image` */
  readonly path: string;
  readonly live: unknown;
}

/** All fields of `wanted` that `live` does not have with that value. Both are plain JSON. */
export function differences(wanted: unknown, live: unknown): Difference[] {
  const found: Difference[] = [];
  compare(wanted, live, [], found);
  return found;
}

/** The same of whole objects. One that somebody has made immutable takes no change any more, and so is not as wanted. */
export function objectDifferences(wanted: KubernetesObject, live: KubernetesObject): Difference[] {
  const found = differences(wanted, live);
  return isImmutable(live) ? [...found, { path: 'immutable', live: true }] : found;
}

/** As ConfigMaps and Secrets can be. */
export function isImmutable(object: KubernetesObject): boolean {
  return 'immutable' in object && object.immutable === true;
}

type Path = readonly string[];

function compare(wanted: unknown, live: unknown, path: Path, found: Difference[]): void {
  if (wanted === undefined || wanted === null) return;
  // The API server leaves out what is empty or zero and has no other default; where it has one, the field is there.
  if (live === undefined || live === null) {
    if (!isEmpty(wanted)) found.push({ path: textOf(path), live: undefined });
  } else if (Array.isArray(wanted)) {
    if (Array.isArray(live)) compareLists(wanted, live, path, found);
    else found.push({ path: textOf(path), live });
  } else if (isMap(wanted)) {
    if (isMap(live)) {
      for (const [key, value] of Object.entries(wanted)) compare(value, live[key], [...path, key], found);
    } else found.push({ path: textOf(path), live });
  } else if (wanted !== live && !isSameQuantity(wanted, live, path)) {
    found.push({ path: textOf(path), live });
  }
}

function compareLists(wanted: readonly unknown[], live: readonly unknown[], path: Path, found: Difference[]): void {
  const key = keyOf(path);
  if (key === undefined) {
    const compared = extendedLists.has(path.at(-1) ?? '') ? live.slice(0, wanted.length) : live;
    if (wanted.length !== compared.length) found.push({ path: textOf(path), live });
    else for (const [i, value] of wanted.entries()) compare(value, compared[i], [...path, `[${i}]`], found);
    return;
  }
  const present = new Map(live.map((element) => [key(element), element]));
  for (const [i, element] of wanted.entries()) compare(element, present.get(key(element)), [...path, `[${i}]`], found);
}

type KeyOf = (element: unknown) => string;

const byName = keyed('name');

/** Lists whose elements are merged by a key. By the field's name; `ports` depends on whose they are. */
const keyedLists: ReadonlyMap<string, KeyOf> = new Map([
  ['containers', byName],
  ['initContainers', byName],
  ['volumes', byName],
  ['env', byName],
  ['imagePullSecrets', byName],
  ['ownerReferences', keyed('uid')],
  ['volumeMounts', keyed('mountPath')],
  ['topologySpreadConstraints', keyed('topologyKey', 'whenUnsatisfiable')],
]);
/** Lists that the API server adds to: a Service with two stacks gets the second family at the end. */
const extendedLists: ReadonlySet<string> = new Set(['ipFamilies']);
const ofContainer = keyed('containerPort', 'protocol');
const ofService = keyed('port', 'protocol');

function keyOf(path: Path): KeyOf | undefined {
  const field = path.at(-1) ?? '';
  if (field !== 'ports') return keyedLists.get(field);
  if (/^(initC|c)ontainers$/.test(path.at(-3) ?? '')) return ofContainer;
  // A NetworkPolicy's are one value.
  return path.length === 2 ? ofService : undefined;
}

function keyed(...fields: readonly string[]): KeyOf {
  return (element) => {
    const map = isMap(element) ? element : {};
    return fields.map((field) => String(map[field] ?? (field === 'protocol' ? 'TCP' : ''))).join('\n');
  };
}

/** Fields that hold quantities; the API server writes them in its own way: `1000m` becomes `1`. */
const quantityMaps = new Set(['limits', 'requests']);
const quantityFields = new Set(['divisor', 'sizeLimit', 'averageValue']);

export function isSameQuantity(wanted: unknown, live: unknown, path: Path): boolean {
  if (!quantityFields.has(path.at(-1) ?? '') && !quantityMaps.has(path.at(-2) ?? '')) return false;
  const a = quantityOf(wanted);
  return a !== undefined && a === quantityOf(live);
}

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** In nanounits, rounded: what is left of a fraction by floating point must not make two of one. */
function quantityOf(value: unknown): number | undefined {
  const match = /^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(String(value));
  const factor = factors[match?.[2] ?? ''];
  return match === null || factor === undefined ? undefined : Math.round(Number(match[1]) * factor * 1e9);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isMap(value)) return Object.values(value).every((field) => field === undefined || field === null);
  return value === '' || value === 0 || value === false;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(path: Path): string {
  return path.reduce((text, part) => {
    if (part.startsWith('[') || text === '') return text + part;
    return /[./]/.test(part) ? `${text}['${part}']` : `${text}.${part}`;
  }, '');
}
