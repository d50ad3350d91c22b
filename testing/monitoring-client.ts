import { snapshotSchema, type Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import type { Service } from '@image-pipeline/shared/service.ts';
import { expect, vi } from 'vitest';

export async function statusOf(monitoring: Service): Promise<Snapshot> {
  const response = await get(monitoring, '/status');
  expect(response.status).toBe(200);
  return snapshotSchema.parse(await response.json());
}

/** The first snapshot for which `holds` does not throw. */
export async function untilStatus(
  monitoring: Service,
  holds: (snapshot: Snapshot) => void,
): Promise<Snapshot> {
  return vi.waitFor(
    async () => {
      const snapshot = await statusOf(monitoring);
      holds(snapshot);
      return snapshot;
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** The service always responds within a second. */
export const get = (monitoring: Service, path: string) =>
  fetch(`http://127.0.0.1:${monitoring.port}${path}`, { signal: AbortSignal.timeout(1_000) });

export const putInterval = (monitoring: Service, body: string, token?: string) =>
  fetch(`http://127.0.0.1:${monitoring.port}/interval`, {
    method: 'PUT',
    body,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
