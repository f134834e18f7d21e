/**
 * Writes what follows from `crds/edgecluster.yaml`: `types.ts`, `crds/REFERENCE.md`, and the copy in the chart, which
 * must hold all that it needs:
 *
 *     node operator/api/generate.ts            writes them
 *     node operator/api/generate.ts --check    exits 1 when one isn't up to date
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { generateReference } from './generate-reference.ts';
import { generateTypes } from './generate-types.ts';
import { readCrd } from './schema.ts';
import { checkVersions } from './versions.ts';

const SOURCE = new URL('../../crds/edgecluster.yaml', import.meta.url);
const TYPES = new URL('types.ts', import.meta.url);
const REFERENCE = new URL('../../crds/REFERENCE.md', import.meta.url);
const EXAMPLE = new URL('../../crds/examples/edgecluster.yaml', import.meta.url);
const CHART = new URL('../../helm/files/edgecluster.yaml', import.meta.url);

export interface Generated {
  readonly file: URL;
  readonly text: string;
}

/** The files and what is to be in them. */
export function generate(): readonly Generated[] {
  const crd = readCrd();
  checkVersions(crd);
  return [
    { file: TYPES, text: generateTypes(crd) },
    { file: REFERENCE, text: generateReference(crd, readFileSync(EXAMPLE, 'utf8')) },
    {
      file: CHART,
      text: `# A copy of crds/edgecluster.yaml by node operator/api/generate.ts.\n${readFileSync(SOURCE, 'utf8')}`,
    },
  ];
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  for (const { file, text } of generate()) {
    if (!check) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) {
      process.stderr.write(`${file.pathname} is not up to date; run: node operator/api/generate.ts\n`);
      process.exitCode = 1;
    }
  }
}
