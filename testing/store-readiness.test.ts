import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { setUpSystem, untilReady } from './test-system.ts';

const system = setUpSystem();
const SOON = { timeout: 25_000, interval: 50 };

it.each(['startApi', 'startWorker', 'startNotification', 'startMonitoring'] as const)(
  '%s: a service is not ready while the folder of the store is missing, and the reason names the store',
  async (start) => {
    const parent = await mkdtemp(join(tmpdir(), 'store-readiness-'));
    const folder = join(parent, 'store');
    system.onTestEnd(() => rm(parent, { recursive: true }));
    const service = await system[start]({ STORE_FOLDER: folder });
    await untilReady(service);
    await rename(folder, `${folder}-moved`);
    const reason = async () => {
      const response = await fetch(`http://127.0.0.1:${service.port}/readyz`);
      return JSON.stringify(await response.json());
    };
    await expect.poll(reason, SOON).toMatch(/not_ready.*its folder does not exist/);
    await rename(`${folder}-moved`, folder);
    await untilReady(service);
  },
  60_000,
);
