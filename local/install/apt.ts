import { existsSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { UserError } from '../user-error.ts';

/** Debian runs this program before it starts the service of a package; exit code 101 forbids it. See policy-rc.d(8). */
const POLICY = '/usr/sbin/policy-rc.d';
const SAVED_POLICY = `${POLICY}.before-image-pipeline`;
const MAX_LINES = 15;
const FORBID = '#!/bin/sh\nexit 101\n';

/**
 * Installs a package without its recommended packages; its service is not started, now or with the machine. Needs root.
 * @throws UserError with the errors of apt-get
 */
export async function installWithApt(packageName: string): Promise<void> {
  // Otherwise Ctrl-C, which apt-get receives as well, would end this process before the policy is restored.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    // It may fail: one of the repositories of this machine may be broken while Debian's own works.
    const update = await aptGet(['update']);
    await withoutStartingServices(async () => {
      const install = await aptGet(['install', '-y', '--no-install-recommends', packageName]);
      if (install.exitCode !== 0) throw new UserError(explainFailure(packageName, update.all, install.all));
    });
    await execa('update-rc.d', [packageName, 'disable'], { reject: false });
  } finally {
    process.off('SIGINT', ignore);
  }
}

function aptGet(args: readonly string[]) {
  return execa('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    all: true,
    reject: false,
  });
}

/** @param update the output of `apt-get update`, which says why a package is unknown or outdated */
export function explainFailure(packageName: string, update: string, install: string): string {
  const failures = [...update.split('\n'), ...install.split('\n')].filter((line) => /^[EW]: /.test(line));
  const shown = failures.length > 0 ? failures : install.trimEnd().split('\n');
  return (
    `apt-get could not install ${packageName}. Check the network and the repositories (/etc/apt), then try again. ` +
    `apt-get says:\n\n${shown.slice(-MAX_LINES).join('\n')}`
  );
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
