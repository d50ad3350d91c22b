import { once } from 'node:events';
import { expect, it } from 'vitest';
import { environmentOf } from '../testing/create-service.ts';
import { ServiceProcess } from '../testing/run-service.ts';
import { setUpSystem } from '../testing/test-system.ts';

const system = setUpSystem();

it('runs until SIGTERM, then exits with 0', async () => {
  const service = new ServiceProcess('monitoring', {
    ...environmentOf('monitoring', system),
    LOG_LEVEL: 'info',
  });
  await expect.poll(() => service.output, { timeout: 20_000 }).toContain('monitoring started');
  service.child.kill('SIGTERM');
  expect(await once(service.child, 'exit'), service.output).toEqual([0, null]);
});

it('exits with 78 if the configuration is invalid, and prints the reason', async () => {
  const service = new ServiceProcess('monitoring', {
    ...environmentOf('monitoring', system),
    MONITORING_PORT: 'http',
  });
  expect(await once(service.child, 'exit')).toEqual([78, null]);
  expect(service.output).toContain('MONITORING_PORT is "http", but must be a whole number from 0 to 65535');
});
