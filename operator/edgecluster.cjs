#!/usr/bin/env node
/**
 * Starts the command `edgecluster`, whose work is in command.ts.
 *
 * `edgecluster.ts` is a link to this file. An old Node.js knows no TypeScript, but it follows the link and runs this: plain
 * JavaScript without an import before the check, so that it can say what is missing.
 */

const oldest = '22.19.0';

if (process.versions.node.localeCompare(oldest, 'en', { numeric: true }) < 0) {
  process.stderr.write(`edgecluster needs Node.js ${oldest} or later, and this is ${process.versions.node}.
"npm install --no-save" in the folder of the sources brings one along: then "npm run -s edgecluster" runs it.\n`);
  process.exit(1);
}

import('./command.ts').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.startsWith('Cannot find package')) throw error;
  process.stderr.write(`${error.message}
The packages are not installed yet: run "npm install --no-save" in the folder of the sources.\n`);
  process.exit(1);
});
