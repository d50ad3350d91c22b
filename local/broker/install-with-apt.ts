import { existsSync } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { UserError } from '../user-error.ts';

/** Debian asks this program before a package's service is started; 101 means "don't". See policy-rc.d(8). */
const POLICY = '/usr/sbin/policy-rc.d';
const SAVED_POLICY = `${POLICY}.before-image-pipeline`;
const FORBID = '#!/bin/sh\nexit 101\n';

/**
 * Installs a package without its recommendations, and without its service being started now or with the machine.
 * Needs root.
 * @throws UserError with apt-get's last lines
 */
export async function installWithApt(packageName: string): Promise<void> {
  // Without this a Ctrl-C would end us before the policy is put back; apt-get gets the Ctrl-C as well.
  const stayAlive = () => undefined;
  process.on('SIGINT', stayAlive);
  try {
    // Some repository of this machine may be out of order while Debian's own is fine.
    await aptGet(['update'], { mayFail: true });
    await withoutStartingServices(() => aptGet(['install', '-y', '--no-install-recommends', packageName]));
    await execa('update-rc.d', [packageName, 'disable'], { reject: false });
  } finally {
    process.off('SIGINT', stayAlive);
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

/** Forbids the start of services while `install` runs; what the machine had to say about it is put back. */
async function withoutStartingServices(install: () => Promise<void>): Promise<void> {
  // A saved one is left from an installation that was cut off: it is the machine's own, not what lies there now.
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
