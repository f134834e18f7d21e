/** Label and field selectors. */
import { type KubeObject, mapAt, Refusal } from './objects.ts';

export type Matcher = (object: KubeObject) => boolean;

/** Fields besides name and namespace that objects can be selected by. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['status.phase', 'spec.nodeName', 'status.podIP', 'spec.serviceAccountName'],
  Secret: ['type'],
  Namespace: ['status.phase'],
};

/** @throws Refusal for what cannot be read */
export function matcher(kind: string, labelSelector: string, fieldSelector: string): Matcher {
  const requirements = [
    ...split(labelSelector).map(labelRequirement),
    ...split(fieldSelector).map((text) => fieldRequirement(kind, text)),
  ];
  return (object) => requirements.every((holds) => holds(object));
}

/** At commas that are not in brackets. */
function split(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/).filter((text) => text.trim() !== '');
}

function labelRequirement(text: string): Matcher {
  const label = (object: KubeObject, name: string) => object.metadata.labels?.[name];
  const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(text);
  if (set !== null) {
    const [, name = '', operator, values = ''] = set;
    const allowed = values.split(',').map((value) => value.trim());
    return (object) => allowed.includes(label(object, name) ?? '\0') === (operator === 'in');
  }
  const [, absent, name = '', operator, value = ''] = /^\s*(!?)\s*([^\s=!]+)\s*(==|=|!=)?\s*(\S*)\s*$/.exec(text) ?? [];
  if (name === '') throw new Refusal(400, 'BadRequest', `unable to parse requirement: ${text}`);
  if (operator === undefined) return (object) => (label(object, name) === undefined) === (absent === '!');
  return (object) => (label(object, name) === value) === (operator !== '!=');
}

function fieldRequirement(kind: string, text: string): Matcher {
  const [, field = '', operator, value = ''] = /^\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*$/.exec(text) ?? [];
  if (!['metadata.name', 'metadata.namespace', ...(FIELDS[kind] ?? [])].includes(field)) {
    throw new Refusal(400, 'BadRequest', `field label not supported: ${field}`);
  }
  const path = field.split('.');
  const last = path.pop() ?? '';
  return (object) => (String(mapAt(object, ...path)[last] ?? '') === value) === (operator !== '!=');
}
