/** Writes the schema of EdgeCluster as TypeScript. */
import type { Crd, Schema } from './schema.ts';
import { currentVersion } from './versions.ts';

/** What the objects and words of the schema are called; those that are not listed are written where they stand. */
const NAMES: Readonly<Record<string, string>> = {
  spec: 'EdgeClusterSpec',
  'spec.origins[]': 'OriginGroup',
  'spec.origins[].service': 'OriginService',
  'spec.origins[].edgeCluster': 'OriginEdgeCluster',
  'spec.origins[].tls': 'OriginTls',
  'spec.origins[].timeouts': 'OriginTimeouts',
  'spec.origins[].http': 'OriginHttp',
  'spec.vhosts[]': 'Vhost',
  'spec.vhosts[].play': 'Play',
  'spec.vhosts[].publish': 'Publish',
  'spec.vhosts[].httpFlv': 'HttpFlv',
  'spec.vhosts[].hooks': 'Hooks',
  'spec.vhosts[].security': 'Security',
  'spec.vhosts[].security.allow[]': 'AddressRule',
  'spec.vhosts[].security.deny[]': 'AddressRule',
  'spec.vhosts[].refer': 'Refer',
  'spec.vhosts[].token': 'Token',
  'spec.vhosts[].limits': 'Limits',
  'spec.vhosts[].failover': 'Failover',
  'spec.proxies': 'Proxies',
  'spec.listeners': 'Listeners',
  'spec.listeners.rtmp': 'Listener',
  'spec.listeners.http': 'HttpListener',
  'spec.listeners.rtmps': 'TlsListener',
  'spec.listeners.https': 'TlsListener',
  'spec.autoscaling': 'Autoscaling',
  'spec.autoscaling.targets': 'AutoscalingTargets',
  'spec.service': 'ServiceSettings',
  'spec.pods': 'PodSettings',
  'spec.availability': 'Availability',
  'spec.configRollout': 'ConfigRollout',
  'spec.networkPolicy': 'NetworkPolicySettings',
  'spec.monitoring': 'Monitoring',
  'spec.hls': 'Hls',
  status: 'EdgeClusterStatus',
  'status.conditions[]': 'Condition',
  'status.conditions[].type': 'ConditionType',
  'status.origins[]': 'OriginStatus',
};

/** What is Kubernetes' own. */
const KUBERNETES: Readonly<Record<string, string>> = {
  'spec.pods.imagePullSecrets[]': 'V1LocalObjectReference',
  'spec.pods.resources': 'V1ResourceRequirements',
  'spec.pods.tolerations[]': 'V1Toleration',
  'spec.pods.affinity': 'V1Affinity',
  'spec.pods.topologySpreadConstraints[]': 'V1TopologySpreadConstraint',
  'spec.pods.securityContext': 'V1PodSecurityContext',
  'spec.pods.containerSecurityContext': 'V1SecurityContext',
  'spec.pods.env[]': 'V1EnvVar',
  'spec.hls.resources': 'V1ResourceRequirements',
  'spec.networkPolicy.clients[]': 'V1NetworkPolicyPeer',
  'spec.networkPolicy.monitoring[]': 'V1NetworkPolicyPeer',
};

const WIDTH = 120;

/** The whole of `types.ts`. Throws when two objects of one name differ, or a name is used nowhere. */
export function generateTypes(crd: Crd): string {
  const { group, names } = crd.spec;
  const version = currentVersion(crd);
  const root = version.schema.openAPIV3Schema;
  const declarations = new Map<string, string>();
  const used = new Set<string>();
  const imports = new Set(['V1ObjectMeta']);

  function typeOf(schema: Schema, path: string, indent: string): string {
    const kubernetes = KUBERNETES[path];
    if (kubernetes !== undefined) {
      used.add(path);
      imports.add(kubernetes);
      return kubernetes;
    }
    const name = NAMES[path];
    if (name === undefined) return bodyOf(schema, path, indent);
    used.add(path);
    declare(name, schema, path);
    return name;
  }

  function declare(name: string, schema: Schema, path: string): void {
    const known = declarations.get(name);
    // Its place among the declarations is before those of what it holds.
    if (known === undefined) declarations.set(name, '');
    const body = bodyOf(schema, path, '');
    const head = schema.type === 'object' ? `export interface ${name} ${body}` : alias(name, body);
    if (known !== undefined && withoutComments(known) !== withoutComments(head)) {
      throw new Error(`${path} differs from another object that is called ${name}`);
    }
    // What a field holds is described there; only the items of a list are not.
    const about = path.endsWith(']') ? comment(schema.description, '') : '';
    declarations.set(name, known ?? `${about}${head}\n`);
  }

  function bodyOf(schema: Schema, path: string, indent: string): string {
    if (schema['x-kubernetes-int-or-string']) return 'number | string';
    if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
    if (schema.type === 'array' && schema.items) {
      const item = typeOf(schema.items, `${path}[]`, indent);
      return item.includes(' | ') ? `readonly (${item})[]` : `readonly ${item}[]`;
    }
    if (schema.additionalProperties) {
      return `Readonly<Record<string, ${bodyOf(schema.additionalProperties, `${path}{}`, indent)}>>`;
    }
    if (schema.properties) return fieldsOf(schema, path, indent);
    if (schema.type === 'integer') return 'number';
    if (schema.type === 'number' || schema.type === 'string' || schema.type === 'boolean') return schema.type;
    throw new Error(`${path} has no properties and no name of Kubernetes' own`);
  }

  function fieldsOf(schema: Schema, path: string, indent: string): string {
    const inner = `${indent}  `;
    const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => {
      const there = schema.required?.includes(key) || field.default !== undefined;
      const type = typeOf(field, path === '' ? key : `${path}.${key}`, inner);
      return `${comment(field.description, inner)}${inner}readonly ${key}${there ? '' : '?'}: ${type};\n`;
    });
    return `{\n${fields.join('')}${indent}}`;
  }

  for (const part of ['spec', 'status']) typeOf(root.properties?.[part] ?? {}, part, '');
  const lost = Object.keys({ ...NAMES, ...KUBERNETES }).filter((path) => !used.has(path));
  if (lost.length > 0) throw new Error(`named in the generator but not in the schema: ${lost.join(', ')}`);
  return `/**
 * The EdgeCluster as TypeScript. Generated from crds/edgecluster.yaml by \`node operator/api/generate.ts\`: change that,
 * not this file. Fields with a default are always there: the API server fills them in, and so does \`admit\` for
 * manifests that never see one.
 */
import type {
${[...imports]
  .sort()
  .map((name) => `  ${name},\n`)
  .join('')}} from '@kubernetes/client-node';

${comment(root.description, '')}export interface ${names.kind} {
  readonly apiVersion: '${group}/${version.name}';
  readonly kind: '${names.kind}';
  readonly metadata: V1ObjectMeta;
  readonly spec: EdgeClusterSpec;
  readonly status?: EdgeClusterStatus;
}

${[...declarations.values()].join('\n')}`;
}

/** As the formatter has it: on one line where it fits. */
function alias(name: string, union: string): string {
  const line = `export type ${name} = ${union};`;
  return line.length <= 120 ? line : `export type ${name} =\n  | ${union.replaceAll(' | ', '\n  | ')};`;
}

function comment(text: string | undefined, indent: string): string {
  if (text === undefined) return '';
  if (indent.length + text.length + 7 <= WIDTH) return `${indent}/** ${text} */\n`;
  const lines = wrap(text, WIDTH - indent.length - 3).map((line) => `${indent} * ${line}\n`);
  return `${indent}/**\n${lines.join('')}${indent} */\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function withoutComments(text: string): string {
  return text.replace(/\s*\/\*\*.*?\*\//gs, '').trim();
}
