import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** The last version whose DLQ recorder consumed `image.jobs.burial`. */
export const EARLIER_COMMIT = 'bea3d3a';
const WORKSPACES = ['shared', 'api', 'worker', 'notification', 'monitoring'];

/** Whether this clone has the commit; a shallow one may not. */
export function hasEarlierVersion(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${EARLIER_COMMIT}^{commit}`], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Puts the files of the earlier version into a folder. It uses the installed packages. */
export function checkOutEarlierVersion(folder: string): void {
  const archive = execFileSync('git', ['archive', EARLIER_COMMIT, ...WORKSPACES, 'package.json'], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  const packages = join(folder, 'node_modules');
  const own = join(packages, '@image-pipeline');
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@image-pipeline') symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  }
  for (const workspace of WORKSPACES) symlinkSync(join(folder, workspace), join(own, workspace));
}
