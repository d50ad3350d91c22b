import { expect } from 'vitest';
import { TOKEN } from '../api-client.ts';
import type { TestApi } from '../test-system.ts';

/** Settings of an API that reads snapshots from monitoring at this URL. */
export const monitoredAt = (MONITORING_URL: string) => ({ MONITORING_URL, API_TOKEN: TOKEN });

export const urlOf = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}`;

/** The response to `GET path`, which must arrive within a second, whatever is unavailable. */
export async function askSoon(api: TestApi, path: string, headers: Record<string, string> = {}) {
  const asked = performance.now();
  const response = await api.ask(path, { headers });
  expect(performance.now() - asked).toBeLessThan(1_000);
  expect(response.status).toBe(200);
  return response;
}
