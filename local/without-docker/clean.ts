import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { root, runFolder } from '../pipeline/paths.ts';
import { down } from './down.ts';
import { relative } from 'node:path';

/** `make clean`: stops everything and removes its data. */
export async function clean(): Promise<void> {
  await down();
  if (!existsSync(runFolder.path)) return;
  await rm(runFolder.path, { recursive: true });
  console.log(`Removed ${relative(root, runFolder.path)}: images, queues and logs. Your .env is kept.`);
}
