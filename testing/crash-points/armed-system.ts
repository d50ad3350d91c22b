import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { startLoadSystem, type LoadSystem } from '../system/load-system.ts';

const CRASH_POINTS = pathToFileURL(join(import.meta.dirname, '../crash-points.ts')).href;

export type CrashPoint = `${'api' | 'worker'} ${'before' | 'after'} ${string} ${string}`;

/** A system whose services can be made to die at an exact point; each is started again when it has. */
export interface ArmedSystem extends LoadSystem {
  /** The next service that comes to this point dies there. */
  arm(point: CrashPoint): Promise<void>;
  /** Resolves when it has died, and all services are ready again. */
  afterCrash(): Promise<void>;
}

export async function startArmedSystem(environment: NodeJS.ProcessEnv): Promise<ArmedSystem> {
  let file = '';
  const system = await startLoadSystem({
    name: 'crash-points',
    workers: 1,
    slots: 2,
    environment: ({ folder }) => {
      file = join(folder, 'crash-point');
      const armed = { NODE_OPTIONS: `--import=${CRASH_POINTS}`, CRASH_POINT_FILE: file };
      return Promise.resolve({ ...armed, ...environment });
    },
  });
  return {
    ...system,
    arm: (point) => writeFile(file, point),
    afterCrash: async () => {
      await expect.poll(() => existsSync(file), { timeout: 15_000 }).toBe(false);
      await Promise.all(system.services.map((service) => service.untilReady()));
    },
  };
}
