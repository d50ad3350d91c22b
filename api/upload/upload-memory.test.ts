import { randomBytes } from 'node:crypto';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { expect, inject, it } from 'vitest';
import { ApiClient } from '../../testing/api-client.ts';
import { environmentOf } from '../../testing/create-service.ts';
import { form, images } from '../../testing/images.ts';
import { ServiceProcess } from '../../testing/run-service.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const MIB = 1024 * 1024;
const system = setUpSystem();
const minio = inject('minio');

it.skipIf(minio === null || process.platform !== 'linux')(
  '64 files of 10 MiB at once are accepted, and the API stays within its part of the memory',
  async () => {
    const bucket = { STORE: 'minio', MINIO_ENDPOINT: minio?.endpoint, MINIO_ACCESS_KEY: minio?.accessKey };
    const api = new ServiceProcess('api', {
      ...environmentOf('api', system),
      ...bucket,
      MINIO_SECRET_KEY: minio?.secretKey,
      MINIO_BUCKET: crypto.randomUUID(),
      TRUSTED_PROXIES: '1',
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
    });
    const { port = 0 } = await api.lineOf('listening');
    const client = new ApiClient({ port });
    await expect.poll(async () => (await client.ask('/readyz')).status, { timeout: 20_000 }).toBe(200);
    const png = images['image/png'];
    const file = Buffer.concat([png, randomBytes(10 * MIB - png.length)]);
    // An address may have half of the slots.
    const upload = (n: number) =>
      client.upload(form([{ bytes: file }]), { 'X-Forwarded-For': `198.51.100.${n % 2}` });
    const responses = await Promise.all(Array.from({ length: 64 }, (_, n) => upload(n)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([202]));
    expect(await api.residentMiB('peak')).toBeLessThan(128 + 384);
    await system.take(queueNames.process, 64);
  },
  120_000,
);
