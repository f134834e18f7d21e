/** `refer { }`: whether a client comes from a web page that is allowed. */
import type { ReferConfig } from '../conf/access-model.ts';
import type { Action } from './security.ts';

/** Why a client of this page may not do it, or undefined when it may. @param pageUrl empty when it names none */
export function referFault(refer: ReferConfig, action: Action, pageUrl: string): string | undefined {
  if (!refer.enabled) return undefined;
  const host = hostOf(pageUrl);
  const agrees = [refer.all, refer[action]].every(
    (domains) => domains.length === 0 || domains.some((domain) => isWithin(host, domain)),
  );
  if (agrees) return undefined;
  return host === '' ? 'refer: the client names no page' : `refer: pages of ${host} may not ${action}`;
}

/** Whether a host is the domain or below it. `.example.com` means what is below it alone. */
function isWithin(host: string, domain: string): boolean {
  if (domain.startsWith('.')) return host.endsWith(domain);
  return host === domain || host.endsWith(`.${domain}`);
}

/** Empty for what is no URL. SRS takes pages without a scheme, too. */
function hostOf(pageUrl: string): string {
  const url = URL.parse(pageUrl.includes('://') ? pageUrl : `http://${pageUrl}`);
  return (url?.hostname ?? '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}
