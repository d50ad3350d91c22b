import { findProgram, pathFolders } from '../process/find-program.ts';

/**
 * Path of the browser that tests run in: the variable CHROMIUM, or else `chromium` in /usr/bin or PATH; undefined where
 * there is none. Other browsers built on Chromium, such as Google Chrome, need the variable.
 */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = env['CHROMIUM'] ?? '';
  return named === '' ? findProgram('chromium', ['/usr/bin', ...pathFolders()]) : named;
}
