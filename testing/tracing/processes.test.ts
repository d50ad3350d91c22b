import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { environmentOf } from '../create-service.ts';
import { form } from '../images.ts';
import { startCollector, type OtlpCollector } from '../otlp-collector.ts';
import { ServiceProcess } from '../run-service.ts';
import { setUpSystem } from '../test-system.ts';
import { clientTrace } from './spans.ts';

const system = setUpSystem();
let collector: OtlpCollector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());

/** A service as operators start it, with tracing switched on. */
const start = (service: 'api' | 'worker') =>
  new ServiceProcess(service, {
    ...environmentOf(service, system),
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'info',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });

describe('services in processes of their own', { timeout: 90_000 }, () => {
  it('log job and trace in every line about a job, and send their spans, the last ones as they stop', async () => {
    const [api, worker] = [start('api'), start('worker')];
    const { port = 0 } = await api.lineOf('listening');
    await worker.lineOf('ready for jobs');
    const client = new ApiClient({ port });
    await vi.waitUntil(async () => (await client.ask('/readyz')).status === 200, { timeout: 30_000 });
    const { traceId, headers } = clientTrace();
    const { json } = await client.upload(form([{}]), headers);
    const { job_id } = json as { job_id: string };
    await worker.lineOf('ended');
    await api.lineOf('POST /upload 202');
    const ofJob = [...api.log, ...worker.log].filter((line) => line.job_id === job_id);
    expect(ofJob.map(({ msg }) => msg)).toEqual(['accepted', 'POST /upload 202', 'started', 'ended']);
    expect(new Set(ofJob.map((line) => line.trace_id))).toEqual(new Set([traceId]));

    for (const { child } of [api, worker]) {
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    }
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    expect(spans.map(({ service, name }) => `${service} ${name}`).toSorted()).toEqual([
      'api POST /upload',
      'api publish image.events:job.queued',
      'api publish image.jobs:job.process',
      'worker fetch original',
      'worker process image',
      'worker process image.jobs.process',
      'worker publish image.events:job.completed',
      'worker publish image.events:job.started',
      'worker store images',
    ]);
  });
});
