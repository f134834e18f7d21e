/** What is asked for: from method and URL to verb, resource, namespace and name. */
import { apiVersionOf, groupPath, RESOURCES, type Resource } from '../../../operator/kube/resources.ts';
import { Refusal } from './objects.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'apply' | 'patch' | 'delete' | 'discover';

export interface Target {
  readonly verb: Verb;
  /** Undefined for discovery of a group. */
  readonly resource: Resource | undefined;
  /** `/apis/apps/v1`. */
  readonly group: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

/** One line of the request log. */
export interface LoggedRequest {
  readonly verb: Verb;
  /** `deployments`; empty for discovery. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly userAgent: string;
  /** HTTP status; 0 while there is no answer, and when there never was. */
  status: number;
}

/** @throws Refusal NotFound, MethodNotAllowed, UnsupportedMediaType */
export function parseTarget(method: string, url: URL, contentType: string, absent: ReadonlySet<string>): Target {
  const [, group = '', rest = ''] = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (group === '') throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  const segments = rest
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeURIComponent);
  const base = { group, query: url.searchParams };
  if (segments.length === 0) {
    return {
      ...base,
      verb: 'discover',
      resource: undefined,
      namespace: undefined,
      name: undefined,
      subresource: undefined,
    };
  }
  // A namespace is an object, too: /namespaces/media.
  const inNamespace = segments[0] === 'namespaces' && segments.length > 2 && segments[2] !== 'status';
  const namespace = inNamespace ? segments[1] : undefined;
  const [plural, name, subresource] = inNamespace ? segments.slice(2) : segments;
  const resource = served(group, absent).find((candidate) => candidate.plural === plural);
  if (resource === undefined || (inNamespace && !resource.namespaced)) {
    throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  }
  const verb = verbOf(method, url, contentType, name !== undefined);
  return { ...base, verb, resource, namespace, name, subresource };
}

/** The resources of a group. */
export function served(group: string, absent: ReadonlySet<string>): Resource[] {
  const resources: readonly Resource[] = Object.values(RESOURCES);
  return resources.filter((resource) => groupPath(resource) === group && !absent.has(resource.plural));
}

export function discovery(group: string, absent: ReadonlySet<string>): object {
  const resources = served(group, absent);
  const [first] = resources;
  if (first === undefined) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(first),
    resources: resources.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced, verbs: [] })),
  };
}

function verbOf(method: string, url: URL, contentType: string, named: boolean): Verb {
  switch (method) {
    case 'GET':
      if (named) return 'get';
      return ['true', '1'].includes(url.searchParams.get('watch') ?? '') ? 'watch' : 'list';
    case 'POST':
      if (!named) return 'create';
      break;
    case 'PUT':
      if (named) return 'update';
      break;
    case 'DELETE':
      if (named) return 'delete';
      break;
    case 'PATCH':
      if (contentType.startsWith('application/apply-patch+yaml')) return 'apply';
      if (contentType.startsWith('application/merge-patch+json')) return 'patch';
      throw new Refusal(415, 'UnsupportedMediaType', `the double takes apply and merge patches, not ${contentType}`);
  }
  throw new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
