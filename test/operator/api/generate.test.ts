/** The CRD as the one source of the API: what is generated from it, how it explains itself, and what it must agree with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defaultConfig, defaultVhost } from '../../../edge/conf/defaults.ts';
import { parseConfig } from '../../../edge/conf/load.ts';
import { admit } from '../../../operator/api/admission.ts';
import { generate } from '../../../operator/api/generate.ts';
import type { Schema } from '../../../operator/api/schema.ts';
import type { EdgeCluster } from '../../../operator/api/types.ts';
import { currentSchema } from '../../../operator/api/versions.ts';
import { renderConfig } from '../../../operator/render/config.ts';
import { manifestOf } from './wrong-manifests.ts';

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** All fields below `schema`, the items of lists as `path[]`. */
function fieldsOf(schema: Schema, path: string): Field[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = `${path}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    return [{ path: here, schema: field, required }, ...fieldsOf(field, here)];
  });
  const { items } = schema;
  return items === undefined
    ? inner
    : [...inner, { path: `${path}[]`, schema: items, required: true }, ...fieldsOf(items, `${path}[]`)];
}

const root = currentSchema();
const spec = fieldsOf(root.properties?.spec ?? {}, 'spec');
const status = fieldsOf(root.properties?.status ?? {}, 'status');

describe('the CRD', () => {
  for (const { file, text } of generate()) {
    it(`${file.pathname.split('/').at(-1)} is up to date (node operator/api/generate.ts writes it)`, () => {
      assert.equal(readFileSync(file, 'utf8'), text);
    });
  }

  it('explains every field in sentences', () => {
    for (const { path, schema } of [...spec, ...status]) {
      if (path.endsWith('[]') && schema.properties === undefined) continue;
      assert.match(schema.description ?? '', /^\S.+\.$/s, path);
    }
  });

  it('says every default, and what is taken where there is none', () => {
    for (const { path, schema, required } of spec) {
      const about = schema.description ?? '';
      const value = schema.default;
      if (typeof value === 'object' || path.endsWith('[]')) continue;
      if (value !== undefined) assert.ok(about.includes(`Default ${value}.`), `${path}: ${about}`);
      else if (!required && !OPTIONAL.test(path)) assert.match(about, /Default: /, path);
    }
  });

  it('says the unit of what is measured', () => {
    const units = { Ms: /milliseconds?/, Seconds: /seconds/, Bytes: /bytes/, Percent: /percent/ };
    for (const { path, schema } of spec) {
      for (const [end, unit] of Object.entries(units)) {
        if (path.endsWith(end)) assert.match(schema.description ?? '', unit, path);
      }
    }
  });

  it('bounds every list, map and text of a spec: rules must not cost too much', () => {
    for (const { path, schema } of spec) {
      if (schema.type === 'string' && !schema.enum) assert.ok(schema.maxLength, path);
      if (schema.type === 'array') assert.ok(schema.maxItems, path);
      if (schema.additionalProperties) assert.ok(schema.maxProperties, path);
      if (schema.type === 'array') assert.ok(schema['x-kubernetes-list-type'], path);
    }
  });
});

/** Of lists' items and of Kubernetes' own objects, where leaving out has no meaning of its own. */
const OPTIONAL =
  /servers$|service$|edgeCluster$|nodePorts\.|targets\.|extraDirectives$|resources\.|affinity$|ecurityContext\.|env\[\]\.|tolerations\[\]\.value|ipBlock|match(Labels|Expressions)|\.values$/;

function admitted(text: string): EdgeCluster {
  const admission = admit(manifestOf({ name: '', spec: text }));
  assert.ok(admission.ok, admission.ok ? '' : admission.errors.join('\n'));
  return admission.cluster;
}

const main = new Map([['main', ['origin:1935']]]);

describe('defaults of the CRD', () => {
  it('of media and time-outs are those of the edge', () => {
    const { vhosts } = renderConfig(admitted('{}'), main).config;
    const [vhost] = vhosts;
    assert.ok(vhost);
    const { cluster, edge, httpRemux, ...rest } = vhost;
    const expected = defaultVhost();
    assert.deepEqual(
      { ...rest, cluster: expected.cluster, edge, httpRemux: { ...httpRemux, enabled: false } },
      expected,
    );
    assert.equal(cluster.mode, 'remote');
  });

  it('of ports are those of the edge', () => {
    const { listeners } = admitted('listeners: { rtmps: { secretName: a } }').spec;
    const { listen, rtmps, httpApi, httpServer, exporter } = defaultConfig();
    const edges = [listen, rtmps.listen, httpServer.listen, httpApi.listen, exporter.listen].map(([it]) => it?.port);
    const ours = [listeners.rtmp, listeners.rtmps, listeners.http, listeners.api, listeners.exporter];
    assert.deepEqual(
      ours.map((listener) => listener?.port),
      edges,
    );
  });
});

describe('limits of the CRD', () => {
  const media = spec.filter(
    ({ path, schema }) =>
      /^spec\.(vhosts\[\]|maxConnections|origins\[\]\.timeouts)/.test(path) && schema.minimum !== undefined,
  );

  for (const { path, schema } of media) {
    it(`${path}: the edge takes the least and the greatest`, () => {
      for (const value of [schema.minimum, schema.maximum]) {
        const { text } = renderConfig(admitted(specWith(path, value ?? 0)), main);
        // Throws for what an edge refuses.
        parseConfig(text);
      }
    });
  }
});

/** YAML of a spec with one field set, by a path such as `spec.vhosts[].play.mwMsgs`. */
function specWith(path: string, value: number): string {
  const steps = path.split('.').slice(1);
  const others =
    {
      retryMinMs: 'retryMaxMs: 2147483647, ',
      retryMaxMs: 'retryMinMs: 1, ',
      timeoutMs: 'onPlay: ["http://a"], ',
      usageIntervalMs: 'onUsage: ["http://a"], ',
    }[steps.at(-1) ?? ''] ?? '';
  return steps.reduceRight<string>((inner, step, i) => {
    if (!step.endsWith('[]'))
      return i === steps.length - 1 ? `{ ${others}${step}: ${inner} }` : `{ ${step}: ${inner} }`;
    const name = step === 'origins[]' ? 'name: main, servers: [a]' : 'name: a';
    return `{ ${step.slice(0, -2)}: [{ ${name}, ${inner.slice(1)}] }`;
  }, String(value));
}
