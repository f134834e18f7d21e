/** What pages tell to do is done here, word for word, as far as it can be done here; each ends with its own check. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HowTo, stepsOf } from '../support/how-to.ts';
import { missing } from '../support/programs.ts';

/** Pages, and the programs that theirs need beside Node.js. */
const pages: Readonly<Record<string, readonly string[]>> = {
  'crds/LEVELS.md': [],
  'crds/docs/origins.md': [],
  'crds/docs/tls.md': [],
  'crds/hls/README.md': [],
  'edge/docs/signed-urls.md': ['ffmpeg', 'ffprobe', 'curl', 'openssl'],
  'edge/docs/run.md': ['ffmpeg', 'ffprobe', 'curl'],
  'edge/docs/from-srs.md': ['ffmpeg', 'ffprobe', 'curl'],
  'edge/docs/encoders.md': ['ffmpeg', 'ffprobe', 'curl'],
  'edge/docs/troubleshooting.md': ['curl'],
  'edge/docs/systemd.md': ['systemd-analyze', 'logrotate'],
  'helm/docs/gitops.md': [],
  'helm/docs/kind-and-minikube.md': [],
  'helm/docs/upgrade.md': [],
  'test/bench/CAPACITY.md': [],
};

describe('how to', { concurrency: 2 }, () => {
  for (const [page, programs] of Object.entries(pages)) {
    test(page, { skip: missing(...programs), timeout: 200_000 }, async (t) => {
      const steps = stepsOf(page);
      const here = steps.filter(({ kind }) => kind !== 'cluster');
      assert.equal(here.at(-1)?.kind, 'run', 'it ends with a check');
      await new HowTo(t).follow(steps);
    });
  }
});
