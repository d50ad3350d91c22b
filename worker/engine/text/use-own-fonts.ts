import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes this process draw texts with the fonts of `fonts.conf` and no others. fontconfig reads its
 * configuration once a process, when the first text is drawn: `drawFirstText` must do that, and nothing may
 * have done it before. What fontconfig caches meanwhile goes to a directory that is removed again.
 */
export async function useOwnFonts(drawFirstText: () => Promise<unknown>): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'fontconfig-'));
  try {
    process.env['FONTCONFIG_FILE'] = fileURLToPath(new URL('fonts.conf', import.meta.url));
    process.env['XDG_CACHE_HOME'] = cache;
    await drawFirstText();
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
