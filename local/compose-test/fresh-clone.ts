import { cp, mkdtemp, symlink } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** What a clone of this repository would hold, with what is not committed yet; the packages are this one's. */
export async function freshClone(root: string): Promise<string> {
  const folder = await mkdtemp(join(realpathSync(tmpdir()), 'image-pipeline-compose-'));
  const listed = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of listed.stdout.split('\0').filter(Boolean)) {
    await cp(join(root, file), join(folder, file), { recursive: true, force: true }).catch(() => undefined);
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
