/** The version of this program: `package.json` is its one home. */

import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
