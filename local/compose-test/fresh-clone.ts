import { realpathSync } from 'node:fs';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A clone of this repository, with changes that are not committed, and its packages. */
export async function freshClone(root: string): Promise<string> {
  const folder = await mkdtemp(join(realpathSync(tmpdir()), 'image-pipeline-clone-'));
  const listed = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  for (const file of listed.stdout.split('\0').filter(Boolean)) {
    await cp(join(root, file), join(folder, file), {
      recursive: true,
      force: true,
      verbatimSymlinks: true,
    }).catch(() => undefined);
  }
  const packages = [join(root, 'node_modules'), join(folder, 'node_modules')];
  // Hard links: image processes may not read outside of their folder. Another file system needs a copy.
  await execa('cp', ['-al', ...packages]).catch(() => execa('cp', ['-a', ...packages]));
  return folder;
}
