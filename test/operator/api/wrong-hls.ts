/** The same for `spec.hls` and the HTTP servers of origins: what must be refused, and what must not. */
import type { Row, WrongRow } from './wrong-manifests.ts';

export const wrongHls: readonly WrongRow[] = [
  {
    name: 'directives of nginx in a parameter',
    spec: 'hls: { keyParameters: ["token; return 200"] }',
    says: 'give the name of a parameter',
  },
  {
    name: 'a variable of nginx in a parameter',
    spec: 'hls: { sessionParameters: [a$host] }',
    says: 'sessionParameters[0]',
  },
  { name: 'a parameter in capitals', spec: 'hls: { keyParameters: [Token] }', says: 'in lower-case letters' },
  {
    name: 'a site with a path',
    spec: 'hls: { allowOrigins: ["https://example.com/"] }',
    says: 'give * or a scheme and host',
  },
  { name: 'a site with quotes', spec: `hls: { allowOrigins: ['https://a" b'] }`, says: 'give * or a scheme and host' },
  {
    name: 'a site without a scheme',
    spec: 'hls: { allowOrigins: [example.com] }',
    says: 'give * or a scheme and host',
  },
  {
    name: 'caches whose listeners share a port',
    spec: 'hls: { listeners: { http: { port: 9972 } } }',
    says: 'same port',
  },
  {
    name: 'caches whose Service has a port twice',
    spec: 'hls: { listeners: { https: { secretName: a, servicePort: 80 } } }',
    says: 'two listeners show the same port in the Service',
  },
  {
    name: 'HTTPS without a Secret',
    spec: 'hls: { listeners: { https: {} } }',
    says: 'spec.hls.listeners.https.secretName',
  },
  {
    name: 'fewer caches at most than at least',
    spec: 'hls: { replicas: 3, autoscaling: { maxReplicas: 2 } }',
    says: 'spec.hls.autoscaling.maxReplicas: Invalid value',
  },
  {
    name: 'autoscaling of caches without a request',
    spec: 'hls: { autoscaling: { maxReplicas: 4 }, resources: {} }',
    says: 'give requests.cpu',
  },
  { name: 'a small cache', spec: 'hls: { cache: { sizeMi: 1 } }', says: 'spec.hls.cache.sizeMi' },
  { name: 'a cache elsewhere', spec: 'hls: { cache: { medium: Tape } }', says: 'spec.hls.cache.medium' },
  { name: 'an image with a blank', spec: 'hls: { image: "nginx latest" }', says: 'give an image such as' },
  {
    name: 'a name for a port of servers',
    spec: 'hls: {}\norigins: [{ name: main, servers: [a], http: { port: web } }]',
    says: 'only a Service gives names to ports',
  },
  { name: 'HTTP at no port', spec: 'origins: [{ name: main, servers: [a], http: { port: 0 } }]', says: 'http.port' },
  {
    name: 'directives of nginx in the name of a certificate',
    spec: `origins: [{ name: main, servers: [a], http: { tls: { serverName: 'a"; b' } } }]`,
    says: 'give a host name such as origin.example.com',
  },
  {
    name: 'authorities that nobody asks',
    spec: 'origins: [{ name: main, servers: [a], http: { tls: { insecureSkipVerify: true, caBundle: "-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----" } } }]',
    says: 'caBundle has no effect with insecureSkipVerify',
  },
];

export const oddHls: readonly Row[] = [
  { name: 'HLS with nothing said', spec: 'hls: {}' },
  {
    name: 'HLS for no site and no session',
    spec: 'hls: { allowOrigins: [], sessionParameters: [], keyParameters: [] }',
  },
  {
    name: 'sites of all forms',
    spec: 'hls: { allowOrigins: ["*", "http://localhost:8000", "https://[::1]:1", "https://a-b.example.com"] }',
  },
  {
    name: 'a Service with a named port for HTTP',
    spec: 'hls: {}\norigins: [{ name: a, service: { name: o }, http: { port: web } }]',
  },
  { name: 'no caches at all', spec: 'hls: { replicas: 0 }' },
  {
    name: 'caches in memory with all ports',
    spec: 'hls: { cache: { medium: Memory, sizeMi: 64 }, listeners: { http: { port: 1024, servicePort: 1 }, https: { secretName: a.b }, metrics: { port: 65535 } } }',
  },
];
