import { existsSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { UserError } from '../user-error.ts';

/** Debian runs this program before it starts the service of a package; exit code 101 forbids it. See policy-rc.d(8). */
const POLICY = '/usr/sbin/policy-rc.d';
const SAVED_POLICY = `${POLICY}.before-image-pipeline`;
const FORBID = '#!/bin/sh\nexit 101\n';

/**
 * Installs a package without its recommended packages; its service is not started, now or with the machine. Needs root.
 * @throws UserError with apt-get's last lines
 */
export async function installWithApt(packageName: string): Promise<void> {
  // Otherwise Ctrl-C, which apt-get receives as well, would end this process before the policy is restored.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    // One of the repositories of this machine may be broken while Debian's own works.
    await aptGet(['update'], { mayFail: true });
    await withoutStartingServices(() => aptGet(['install', '-y', '--no-install-recommends', packageName]));
    await execa('update-rc.d', [packageName, 'disable'], { reject: false });
  } finally {
    process.off('SIGINT', ignore);
  }
}

async function aptGet(args: readonly string[], { mayFail = false } = {}): Promise<void> {
  const { exitCode, all } = await execa('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    all: true,
    reject: false,
  });
  if (exitCode === 0 || mayFail) return;
  const lastLines = all.trimEnd().split('\n').slice(-15).join('\n');
  throw new UserError(`apt-get ${args.join(' ')} failed:\n\n${lastLines}`);
}

/** Forbids the start of services while `install` runs, and restores the policy of the machine. */
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  // A saved policy is left from an interrupted installation; it is the policy of the machine, the current one is ours.
  const hadPolicy = existsSync(SAVED_POLICY) || (await tryRename(POLICY, SAVED_POLICY));
  try {
    await writeFile(POLICY, FORBID);
    await chmod(POLICY, 0o755);
    await install();
  } finally {
    await rm(POLICY, { force: true });
    if (hadPolicy) await rename(SAVED_POLICY, POLICY);
  }
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
