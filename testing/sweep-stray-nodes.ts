import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRabbitNode } from '../local/broker/rabbitmq-node.ts';
import { identify } from '../local/process/identity.ts';

/** Followed by the pid of the test run that made the folder. */
export const STRAY_PREFIX = 'image-pipeline-broker-';

/** Ends the nodes of test runs that were killed before they could do it themselves, and removes their folders. */
export async function sweepStrayNodes(folder = tmpdir()): Promise<void> {
  for (const name of await readdir(folder)) {
    const owner = name.startsWith(STRAY_PREFIX) ? Number.parseInt(name.slice(STRAY_PREFIX.length)) : NaN;
    if (Number.isNaN(owner) || (await identify(owner)) !== undefined) continue;
    const stray = join(folder, name);
    try {
      await (await findRabbitNode(stray))?.kill();
      await rm(stray, { recursive: true, force: true });
    } catch {
      // Another user's: it is theirs to sweep.
    }
  }
}
