import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { apiVariables } from '../api/config.ts';
import { monitoringVariables } from '../monitoring/config.ts';
import { notificationVariables } from '../notification/config.ts';
import { minioSetupVariables } from '@image-pipeline/shared/store/minio-setup.ts';
import { workerVariables } from '../worker/config.ts';
import { composeDefaults, decidedByCompose } from './compose-settings.ts';
import { variableTables } from './env-example.ts';

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      environment: z.record(z.string(), z.string()).default({}),
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
    }),
  ),
});

const textOf = (file: string) => readFile(join(import.meta.dirname, '..', file), 'utf8');

async function environmentOf(service: string, file = 'docker-compose.yml') {
  const { services } = composeSchema.parse(parse(await textOf(file), { merge: true }));
  return services[service]?.environment ?? {};
}

const settings = new Map(variableTables.flatMap((table) => Object.entries(table)));
/** Each `${NAME:-default}`. */
const references = (text: string) =>
  [...text.matchAll(/\$\{(\w+)(?::-([^}]*))?\}/g)].map(([, name = '', fallback]) => ({ name, fallback }));

const services = {
  api: apiVariables,
  worker: workerVariables,
  notification: notificationVariables,
  monitoring: monitoringVariables,
};

test.each(Object.entries(services))('Compose passes every setting of %s', async (service, table) => {
  const environment = await environmentOf(service);
  for (const name of Object.keys(table)) {
    if (name in decidedByCompose) continue;
    expect(references(environment[name] ?? '').map((reference) => reference.name)).toEqual([name]);
  }
});

test.each(Object.entries(services))(
  'Compose passes %s only settings that it reads',
  async (service, table) => {
    for (const name of Object.keys(await environmentOf(service))) expect(table).toHaveProperty(name);
  },
);

test('Compose passes every setting of minio-setup, for its own MinIO only', async () => {
  const { MINIO_ENDPOINT, ...environment } = await environmentOf('minio-setup');
  expect(MINIO_ENDPOINT).toBe('http://minio:9000');
  const passed = Object.values(environment).flatMap((value) => references(value).map(({ name }) => name));
  expect([...passed, 'MINIO_ENDPOINT'].toSorted()).toEqual(Object.keys(minioSetupVariables).toSorted());
});

test('Compose gives each service the keys of its own user of MinIO', async () => {
  for (const service of ['api', 'worker', 'notification', 'monitoring']) {
    expect(await environmentOf(service)).toMatchObject({
      MINIO_ACCESS_KEY: service,
      MINIO_SECRET_KEY: `\${MINIO_${service.toUpperCase()}_PASSWORD:-minio-${service}}`,
    });
  }
});

test('our services stop before RabbitMQ and MinIO, and start after minio-setup', async () => {
  const { services: all } = composeSchema.parse(parse(await textOf('docker-compose.yml'), { merge: true }));
  for (const service of Object.keys(services)) {
    expect(all[service]?.depends_on, service).toEqual({
      rabbitmq: { condition: 'service_healthy' },
      minio: { condition: 'service_healthy' },
      'minio-setup': { condition: 'service_completed_successfully' },
    });
  }
});

test('docker-compose.small.yml limits every container, together to less than 2 GB and to 2 cores', async () => {
  const limited = z.object({
    services: z.record(
      z.string(),
      z.union([
        z.object({ profiles: z.array(z.string()) }),
        z.object({ mem_limit: z.string().regex(/^\d+m$/), cpus: z.number(), scale: z.number().default(1) }),
      ]),
    ),
  });
  const text = await textOf('docker-compose.small.yml');
  const { services: small } = limited.parse(parse(text));
  const { services: all } = composeSchema.parse(parse(await textOf('docker-compose.yml'), { merge: true }));
  expect(Object.keys(small).toSorted()).toEqual(Object.keys(all).toSorted());
  const limits = Object.entries(small).flatMap(([name, service]) =>
    // minio-setup exits before our services start.
    'cpus' in service && name !== 'minio-setup' ? [service] : [],
  );
  const sum = (values: readonly number[]) => values.reduce((one, other) => one + other, 0);
  const megabytes = sum(limits.map(({ mem_limit, scale }) => Number.parseInt(mem_limit, 10) * scale));
  expect(megabytes).toBeLessThan(1_900);
  expect(text).toMatch(new RegExp(`^# MB .* ${megabytes}$`, 'm'));
  expect(sum(limits.map(({ cpus, scale }) => cpus * scale))).toBeCloseTo(2);
});

test.each(['docker-compose.yml', 'docker-compose.cluster.yml', 'docker-compose.tracing.yml'])(
  'every ${…} of %s is a setting, with the default of .env.example or without one',
  async (file) => {
    for (const { name, fallback } of references(await textOf(file))) {
      const setting = settings.get(name);
      expect(setting, name).toBeDefined();
      if (name === 'OTEL_EXPORTER_OTLP_ENDPOINT') continue; // Jaeger's, of docker-compose.tracing.yml
      const isEmpty = fallback === '' && !(name in composeDefaults);
      expect(isEmpty || fallback === (composeDefaults[name] ?? setting?.default), name).toBe(true);
    }
  },
);

test('every variable that Compose sets or has a default for is a setting', () => {
  const names = [...Object.keys(decidedByCompose), ...Object.keys(composeDefaults)];
  for (const name of names) expect(settings.has(name), name).toBe(true);
});

test('docker-compose.tracing.yml configures every service that records traces', async () => {
  const text = await textOf('docker-compose.tracing.yml');
  for (const service of ['api', 'worker', 'notification']) {
    expect(text).toMatch(new RegExp(`^  ${service}: .*environment: \\*traced`, 'm'));
  }
});
