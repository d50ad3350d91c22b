import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes; twice as much is kept of each log. */
export const LOG_LIMIT = 10 * 1024 * 1024;

/**
 * Empties each log of the folder that has grown beyond `limit`, keeping its contents as `name.log.1`. The services
 * hold their logs open for appending, so a log is copied and cut, not moved; as with logrotate's copytruncate, a line
 * written in between is lost.
 */
export async function rotateLogs(folder: string, limit = LOG_LIMIT): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.endsWith('.log') || (await stat(path)).size <= limit) continue;
    await copyFile(path, `${path}.1`);
    await truncate(path);
  }
}
