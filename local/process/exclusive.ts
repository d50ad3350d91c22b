import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../user-error.ts';
import { identify, isAlive, processIdentitySchema } from './identity.ts';

/**
 * Runs `work` while no other process does so under the same lock file. The lock of a process that has died is void.
 * @throws UserError if another process holds the lock
 */
export async function exclusively<Result>(lockFile: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(lockFile), { recursive: true });
  if (!(await take(lockFile))) {
    const holder = await holderOf(lockFile);
    if (holder !== undefined) {
      throw new UserError(
        `Another command (pid ${holder.pid}) is starting or stopping the system. Wait until it is done, or stop it: ` +
          `kill ${holder.pid}`,
      );
    }
    await rm(lockFile, { force: true });
    if (!(await take(lockFile)))
      throw new UserError('Another command is starting or stopping the system. Try again in a moment.');
  }
  try {
    return await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

async function take(lockFile: string): Promise<boolean> {
  try {
    const file = await open(lockFile, 'wx');
    await file.writeFile(JSON.stringify(await identify(process.pid)));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(lockFile: string) {
  try {
    const holder = processIdentitySchema.parse(JSON.parse(await readFile(lockFile, 'utf8')));
    return (await isAlive(holder)) ? holder : undefined;
  } catch {
    return undefined;
  }
}
