import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning } from '@image-pipeline/shared/is-running.ts';

/** Followed by the process id of its owner. */
const PREFIX = 'image-pipeline-fonts-';

const OWN_CONFIGURATION = fileURLToPath(new URL('fonts.conf', import.meta.url));

/**
 * Makes this process draw texts with the fonts of `fonts.conf` and no others. fontconfig reads its
 * configuration once a process, when the first text is drawn: `drawFirstText` must do that, and nothing may
 * have done it before. Changes nothing in a process that was started by `withOwnFonts`.
 *
 * @param parent where the directory for fontconfig's cache is made
 */
export async function useOwnFonts(drawFirstText: () => Promise<unknown>, parent = tmpdir()): Promise<void> {
  if (process.env['FONTCONFIG_FILE'] === OWN_CONFIGURATION) {
    await drawFirstText();
    return;
  }
  await withOwnFonts(async (variables) => {
    Object.assign(process.env, variables);
    await drawFirstText();
  }, parent);
}

/**
 * Runs `work` with the environment variables of a process that draws texts with our fonts. What fontconfig caches
 * meanwhile goes to a directory that is removed again, with those of processes that were killed before they could
 * clean up.
 */
export async function withOwnFonts<Result>(
  work: (variables: NodeJS.ProcessEnv) => Promise<Result>,
  parent = tmpdir(),
): Promise<Result> {
  await removeStrays(parent);
  const cache = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  try {
    return await work({ FONTCONFIG_FILE: OWN_CONFIGURATION, XDG_CACHE_HOME: cache });
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
