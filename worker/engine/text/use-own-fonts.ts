import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning } from '@image-pipeline/shared/is-running.ts';

/** Followed by the process id of its owner. */
const PREFIX = 'image-pipeline-fonts-';

/**
 * Makes this process draw texts with the fonts of `fonts.conf` and no others. fontconfig reads its
 * configuration once a process, when the first text is drawn: `drawFirstText` must do that, and nothing may
 * have done it before. What fontconfig caches meanwhile goes to a directory that is removed again, with those of
 * processes that were killed before they could clean up.
 *
 * @param parent where that directory is made
 */
export async function useOwnFonts(drawFirstText: () => Promise<unknown>, parent = tmpdir()): Promise<void> {
  await removeStrays(parent);
  const cache = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  try {
    process.env['FONTCONFIG_FILE'] = fileURLToPath(new URL('fonts.conf', import.meta.url));
    process.env['XDG_CACHE_HOME'] = cache;
    await drawFirstText();
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

async function removeStrays(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (Number.isNaN(owner) || isRunning(owner)) continue;
    // A directory of another user may stay: it does not prevent the start.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
