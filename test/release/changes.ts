/** The changelog's part of one version. */

/**
 * What stands below the heading of the version; what is unreleased where it has no heading yet.
 *
 * @throws Error where neither is there
 */
export function changesOf(changelog: string, version: string): string {
  const parts = changelog.split(/^## /m).slice(1);
  const part = (heading: string): string | undefined =>
    parts.find((each) => each.split('\n')[0]?.split(' ')[0] === heading);
  const found = part(version) ?? part('Unreleased');
  if (found === undefined) throw new Error(`CHANGELOG.md has neither "## ${version}" nor "## Unreleased"`);
  const text = found.slice(found.indexOf('\n')).trim();
  return `# edgecluster ${version}\n\n${text}\n`;
}
