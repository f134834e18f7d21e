/**
 * Where the API server is and how we prove who we are.
 *
 * Kubeconfig files, with their exec plugins, proxies and certificates, are @kubernetes/client-node's business. It is
 * only loaded for them: importing it costs 87 MB of resident memory (its generated clients, undici, openid-client),
 * and in a pod there is nothing to do but to read two files. Those are read again and again: tokens rotate.
 */
import { access as canAccess, readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { loadKubeConfig } from './kubeconfig.ts';

export interface ClusterAccess {
  /** URL of the API server; a path in it is a prefix of all paths. */
  readonly server: string;
  /** Where we are when nobody says another one: of the kubeconfig's context, or the pod's own. */
  readonly namespace?: string | undefined;
  /** Asked again every 30 seconds, and when the API server says 401. */
  credentials(): Promise<Credentials>;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  /** Makes the connections instead of us: a proxy's. */
  readonly agent?: Agent;
}

/** As `tls.connect` takes them. */
export type TlsSettings = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
>;

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * @param kubeconfig a file; without it $KUBECONFIG, the service account of the pod we run in, or ~/.kube/config
 * @param context of the kubeconfig; without it the current one
 * @throws Error what is missing in the kubeconfig
 */
export async function loadAccess(kubeconfig?: string, context?: string): Promise<ClusterAccess> {
  if (kubeconfig === undefined && context === undefined && !process.env.KUBECONFIG) {
    const inCluster = await serviceAccountAccess(process.env);
    if (inCluster !== undefined) return inCluster;
  }
  const config = await loadKubeConfig(kubeconfig, process.env);
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw new Error(`kubeconfig: there is no context '${context}'; there is ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  return kubeConfigAccess(config);
}

/** For a kubeconfig that is loaded already: its current context. */
export function kubeConfigAccess(config: KubeConfig): ClusterAccess {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const { currentContext } = config;
    const problem = currentContext
      ? `the current context '${currentContext}' names no cluster`
      : 'no context is current';
    throw new Error(`kubeconfig: ${problem}; set current-context`);
  }
  return {
    server: cluster.server,
    namespace: config.getContextObject(config.currentContext)?.namespace,
    credentials: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized, agent, auth } = options;
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
      if (typeof auth === 'string') headers.Authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
      return {
        headers,
        tls: present({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }),
        ...(cluster.proxyUrl !== undefined && typeof agent === 'object' && { agent }),
      };
    },
  };
}

/**
 * In a pod: the service account's token and CA. Undefined outside of one.
 * @param directory where the kubelet puts (and renews) them
 */
export async function serviceAccountAccess(
  env: Readonly<Record<string, string | undefined>>,
  directory = SERVICE_ACCOUNT,
): Promise<ClusterAccess | undefined> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  const tokenFile = `${directory}/token`;
  if (host === undefined || port === undefined) return undefined;
  const mounted = await canAccess(tokenFile).then(
    () => true,
    () => false,
  );
  if (!mounted) return undefined;
  const namespace = await readFile(`${directory}/namespace`, 'utf8').catch(() => undefined);
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: namespace?.trim(),
    credentials: async () => {
      const [token, ca] = await Promise.all([readFile(tokenFile, 'utf8'), readFile(`${directory}/ca.crt`)]);
      return { headers: { Authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

function present(settings: { readonly [K in keyof TlsSettings]: TlsSettings[K] | undefined }): TlsSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
