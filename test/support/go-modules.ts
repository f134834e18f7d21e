/** Files of Go modules, such as other projects' definitions: in Go's own cache, fetched once by `go`. */

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The directory of a module, downloaded where it is not there yet.
 * @param module `github.com/kedacore/keda/v2@v2.17.2`
 * @throws Error with what go says
 */
export async function moduleDirectory(module: string): Promise<string> {
  const env = { ...process.env, GOWORK: 'off' };
  const { stdout } = await run('go', ['mod', 'download', '-json', module], { cwd: tmpdir(), env }).catch(
    (error: Error & { readonly stdout?: string }) => {
      throw new Error(`go mod download ${module}: ${error.stdout || error.message}`);
    },
  );
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}
