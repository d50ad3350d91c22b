import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { localPrometheusConfig, workerTargets } from './local-config.ts';

const compose = () =>
  readFile(join(import.meta.dirname, '../../monitoring/prometheus/prometheus.yml'), 'utf8');
const jobs = ['api', 'notification', 'monitoring', 'rabbitmq', 'rabbitmq-queues'];
const targets = { workersFile: '/run/workers.json', rulesFile: '/rules.yml' };

test('the local Prometheus scrapes the same jobs as that of Compose, on this machine', async () => {
  const ports = new Map(jobs.map((job, index) => [job, 21_000 + index]));
  const config: unknown = parse(localPrometheusConfig(await compose(), { ports, ...targets }));
  expect(config).toMatchObject({
    global: { scrape_interval: '5s' },
    rule_files: ['/rules.yml'],
    scrape_configs: [
      { job_name: 'api', static_configs: [{ targets: ['127.0.0.1:21000'] }] },
      { job_name: 'notification' },
      { job_name: 'monitoring' },
      { job_name: 'worker', file_sd_configs: [{ files: ['/run/workers.json'] }] },
      { job_name: 'rabbitmq' },
      { job_name: 'rabbitmq-queues', metrics_path: '/metrics/detailed' },
    ],
  });
  expect(JSON.stringify(config)).not.toContain('dns_sd_configs');
});

test('a job without a port is an error', async () => {
  const text = await compose();
  expect(() => localPrometheusConfig(text, { ports: new Map(), ...targets })).toThrow(
    'Unknown scrape job api',
  );
});

test('workers are listed in the format of file_sd_configs', () => {
  expect(JSON.parse(workerTargets([9100, 9101]))).toEqual([
    { targets: ['127.0.0.1:9100', '127.0.0.1:9101'] },
  ]);
});
