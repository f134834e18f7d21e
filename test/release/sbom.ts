/**
 * What is in the image, as CycloneDX: npm lists the packages of the lock file; what the base image has comes on top.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Material } from '../image/base.ts';
import { output } from '../image/run.ts';
import type { Stage } from './stage.ts';

/** Of CycloneDX 1.5, what is changed here. */
interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly object[];
}

/** What the image stands on: packages of which a local base is made, or the name and digest of an image. */
export type BaseContents = readonly Material[] | string;

export function writeSbom(stage: Stage, base: BaseContents, file: string): void {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--omit', 'dev'];
  const bill = JSON.parse(output('npm', args, { cwd: stage.directory })) as Bill;
  // npm's are of the moment at which it was asked.
  const serialNumber = `urn:uuid:${uuidOf(`${stage.commit} ${stage.version}`)}`;
  const timestamp = new Date(stage.epoch * 1000).toISOString();
  const components = [...bill.components, ...(typeof base === 'string' ? [ofImage(base)] : base.map(ofPackage))];
  const metadata = { ...bill.metadata, timestamp };
  writeFileSync(file, `${JSON.stringify({ ...bill, serialNumber, metadata, components }, undefined, 2)}\n`);
}

/** The package URL of a material. */
export function packageUrl({ kind, name, version, architecture }: Material): string {
  const type = kind === 'deb' ? 'deb/debian' : 'npm';
  return `pkg:${type}/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
}

function ofPackage(material: Material): object {
  const { name, version, sha256 } = material;
  const purl = packageUrl(material);
  const hashes = [{ alg: 'SHA-256', content: sha256 }];
  return { 'bom-ref': purl, type: 'library', name, version, scope: 'required', purl, hashes };
}

function ofImage(image: string): object {
  const [name, version] = image.split('@');
  return { 'bom-ref': image, type: 'container', name, version, scope: 'required' };
}

/** Always the same of the same text (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
