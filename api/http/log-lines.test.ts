import { expect, it } from 'vitest';
import { environmentOf } from '../../testing/create-service.ts';
import { ServiceProcess } from '../../testing/run-service.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();

it('500 refused requests with paths of 12 kB take a few short lines', async () => {
  const api = new ServiceProcess('api', {
    ...environmentOf('api', system),
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
  });
  const { port = 0 } = await api.lineOf('listening');
  for (let count = 0; count < 500; count++) {
    const response = await fetch(`http://127.0.0.1:${port}/${'p'.repeat(12_000)}${count}`);
    expect(response.status).toBe(404);
    await response.arrayBuffer();
  }
  const refused = () => api.log.filter(({ msg }) => msg.endsWith(' 404')).length;
  await expect.poll(refused, { timeout: 20_000 }).toBeGreaterThanOrEqual(20);
  // A window of 10 s may end meanwhile.
  expect(refused()).toBeLessThanOrEqual(60);
  expect(Math.max(...api.output.split('\n').map((line) => line.length))).toBeLessThan(600);
  await expect
    .poll(() => api.output, { timeout: 20_000 })
    .toMatch(/GET other 404: suppressed \d+ similar log lines in 10 s/);
});
