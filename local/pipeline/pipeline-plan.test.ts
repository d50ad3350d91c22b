import { expect, test } from 'vitest';
import { RunFolder } from '../supervisor/run-folder.ts';
import { pipelinePlan } from './pipeline-plan.ts';

const broker = {
  pid: 1,
  port: 5672,
  exited: new Promise<never>(() => undefined),
  ports: { amqp: 5672, management: 15_672, prometheus: 15_692 },
  amqpUrl: 'amqp://127.0.0.1:5672',
  managementUrl: 'http://127.0.0.1:15672',
  probe: () => Promise.resolve({ ready: true } as const),
  stop: () => Promise.resolve(),
};

test('services know the addresses of the others, whatever their ports are', () => {
  const ports = new Map([
    ['api', 18_000],
    ['notification', 18_001],
    ['monitoring', 18_002],
  ]);
  const run = new RunFolder('/srv/image-pipeline/.run');
  const environment = pipelinePlan(run, {}).environment({ broker, ports }, 'api');
  expect(environment).toMatchObject({
    MONITORING_URL: 'http://127.0.0.1:18002',
    NOTIFICATION_URL: 'http://127.0.0.1:18001',
    RABBITMQ_URL: 'amqp://api:api@127.0.0.1:5672',
  });
});

test('services keep their temporary files in the run folder, whatever TMPDIR is', () => {
  const run = new RunFolder('/srv/image-pipeline/.run');
  const environment = pipelinePlan(run, { TMPDIR: '/elsewhere' }).environment(
    { broker, ports: new Map() },
    'api',
  );
  expect(environment).toMatchObject({ TMPDIR: '/srv/image-pipeline/.run/tmp' });
});
