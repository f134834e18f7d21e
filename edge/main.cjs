#!/usr/bin/env node
/**
 * Starts the command `edge`, whose work is in command.ts.
 *
 * `main.ts` is a link to this file. An old Node.js knows no TypeScript, but it follows the link and runs this: plain
 * JavaScript without an import before the check, so that it can say what is missing.
 */

const oldest = '22.19.0';

if (process.versions.node.localeCompare(oldest, 'en', { numeric: true }) < 0) {
  process.stderr.write(`edge needs Node.js ${oldest} or later, and this is ${process.versions.node}.
"npm install --no-save" in the folder of the sources brings one along: then "npm run -s edge" runs it.\n`);
  process.exit(1);
}

/**
 * Signals that come before there is an edge to obey them. Without a listener they would end this process, whoever sent
 * them; and as process 1 of a container it would not even hear of them. SIGINT is left as it is: who starts an edge by hand
 * may end it at once.
 */
const early = ['SIGHUP', 'SIGTERM', 'SIGQUIT', 'SIGUSR1'].map((signal) => {
  let came = false;
  const keep = () => {
    came = true;
  };
  process.on(signal, keep);
  return () => {
    process.off(signal, keep);
    if (came) process.kill(process.pid, signal);
  };
});

/** Those who obey have their own listeners by now, and hear of what came before. */
function hearEarlySignals() {
  for (const hear of early) hear();
}

const started = import('./command.ts').then(({ command }) => command(hearEarlySignals));
started.catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.startsWith('Cannot find package')) throw error;
  process.stderr.write(`${error.message}
The packages are not installed yet: run "npm install --no-save" in the folder of the sources.\n`);
  process.exit(1);
});
