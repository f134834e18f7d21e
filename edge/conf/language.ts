/**
 * The version of the configuration language. A file may hold nothing that the edge who reads it does not know, so
 * whoever writes files for edges of several versions must know what each of them reads.
 *
 * 1: what edgecluster 0.1.0 reads. Whoever adds directives to a released language makes it the next one, and says
 * `since` at each of them.
 */
export const LANGUAGE = 2;
