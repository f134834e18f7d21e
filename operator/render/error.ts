/** What keeps an EdgeCluster from being rendered, and where in its spec that stands. */
import { formatPlace, type Problem } from '../../edge/conf/problem.ts';

/**
 * `InvalidDirectives`: a text of `extraDirectives`. `InvalidConfig`: a value that the schema lets pass and the edge
 * does not.
 */
export type RenderReason = 'InvalidDirectives' | 'InvalidConfig';

/** The message says all that is wrong, a line each: `spec.vhosts[1].extraDirectives line 2, column 5: …`. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
  readonly reason: RenderReason;

  constructor(reason: RenderReason, problems: readonly string[]) {
    super(problems.join('\n'));
    this.reason = reason;
  }
}

/** A problem with its place in the spec instead of a file's. Texts of the user have a position, what we print has none. */
export function describe({ at, what, remedy, nearest }: Problem): string {
  let text = `${placeOf(at)}: ${what}`;
  if (nearest !== undefined) text += `; did you mean "${nearest}"?`;
  if (remedy !== undefined) text += `; ${remedy}`;
  return text;
}

function placeOf(at: Problem['at']): string {
  if ('variable' in at) return formatPlace(at);
  return isUsersText(at.file) ? `${at.file} line ${at.line}, column ${at.column}` : at.file;
}

/** Whether a place's file is a text that the user wrote. */
export function isUsersText(file: string): boolean {
  return file.endsWith('.extraDirectives');
}
