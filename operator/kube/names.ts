/** Names as Kubernetes takes them, for what people type. */

/** Of a namespace, or of an EdgeCluster (RFC 1123, a label). */
export function isLabel(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
}

/**
 * The namespace that an option names.
 * @throws Error that says which option, and what it named
 */
export function namespaceOf(option: string, name: string): string {
  if (!isLabel(name)) throw new Error(`${option}: "${name}" is no namespace`);
  return name;
}

/** The same of `--namespace`. Empty, as of a variable that is not set, it is not given: kubectl takes it so. */
export function namespaceOption(name: string | undefined): string | undefined {
  return name ? namespaceOf('--namespace', name) : undefined;
}

/** Of most objects (RFC 1123, a subdomain). */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
