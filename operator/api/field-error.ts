/** What the API server says about a field, in its own form: `spec.vhosts[0].name: Invalid value: "*": message`. */

/** Names of fields and indices of lists, from the root. */
export type Path = readonly (string | number)[];

export type Reason = 'Invalid value' | 'Unsupported value' | 'Required value' | 'Duplicate value' | 'Forbidden';

export interface FieldError {
  readonly path: Path;
  readonly reason: Reason | 'Too long' | 'Too many' | 'Unknown field';
  /** The value that is wrong, where it is to be shown. */
  readonly value?: unknown;
  readonly message: string;
}

/** `spec.origins[0].name`; a key that is no name of a field stands in brackets. */
function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number' || !/^[A-Za-z_$][\w$]*$/.test(step)) text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** One line, as kubectl prints it behind `The EdgeCluster "live" is invalid:`. */
export function formatFieldError({ path, reason, value, message }: FieldError): string {
  if (reason === 'Unknown field') return `unknown field "${formatPath(path)}": ${message}`;
  if (path.length === 0) return message;
  const shown = value === undefined ? [] : [showValue(value)];
  return [formatPath(path), reason, ...shown, ...(message === '' ? [] : [message])].join(': ');
}

/** Scalars are shown; of an object or list only what it is. */
function showValue(value: unknown): string {
  if (Array.isArray(value)) return '"array"';
  if (typeof value === 'object' && value !== null) return '"object"';
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 197)}..."` : text;
}
