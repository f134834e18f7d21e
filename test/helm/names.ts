/** Names that Kubernetes takes, by what they name, and how it names pods. */

/** Of most objects (RFC 1123, in parts). */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

/** Of Services before Kubernetes 1.34 (RFC 1035). */
export function isServiceName(name: string): boolean {
  return name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name);
}

export function isLabelValue(value: string): boolean {
  return value.length <= 63 && /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value);
}

/** Of roles and bindings: whatever can stand in a path. */
export function isPathSegment(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/%]/.test(name);
}

/** Whether an object of this kind may have this name. */
export function isNameOf(kind: string, name: string): boolean {
  if (kind === 'Service') return isServiceName(name);
  return /Role(Binding)?$/.test(kind) ? isPathSegment(name) : isSubdomain(name);
}

/** A pod of a Deployment: 58 characters of what its ReplicaSet gives, and five random ones. */
export function podNameOf(deployment: string, templateHash: string, random: string): string {
  return `${deployment}-${templateHash}-`.slice(0, 58) + random;
}
