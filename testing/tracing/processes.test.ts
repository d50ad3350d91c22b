import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startCollector, type OtlpCollector } from '../otlp-collector.ts';
import { testVhost } from '../test-broker.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { form } from '../../api/testing/images.ts';
import type { Vhost } from '../vhost.ts';
import { clientTrace } from './given-system.ts';

const ROOT = join(import.meta.dirname, '../..');
const PATIENCE = { timeout: 30_000, interval: 20 };
const lineSchema = z.looseObject({
  msg: z.string(),
  port: z.number().optional(),
  job_id: z.string().optional(),
  trace_id: z.string().optional(),
});
type Line = z.output<typeof lineSchema>;

let vhost: Vhost;
let folder: string;
let collector: OtlpCollector;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  vhost = await testVhost();
  folder = await mkdtemp(join(tmpdir(), 'tracing-test-'));
  collector = await startCollector();
});
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await collector.stop();
  await rm(folder, { recursive: true, force: true });
  await vhost.delete();
});

/** A service as operators start it, with tracing switched on; returns what it logs, as it comes. */
function start(service: 'api' | 'worker'): { child: ChildProcess; lines: Line[] } {
  const child = spawn(process.execPath, [`${service}/main.ts`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      RABBITMQ_URL: vhost.amqpUrl,
      STORE: 'folder',
      STORE_FOLDER: folder,
      API_PORT: '0',
      WORKER_PORT: '0',
      MAX_CONCURRENT_JOBS: '1',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'info',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
  processes.push(child);
  const lines: Line[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(lineSchema.parse(JSON.parse(line))));
  return { child, lines };
}

const lineOf = (lines: readonly Line[], msg: string) =>
  vi.waitFor(() => {
    const line = lines.find((each) => each.msg === msg);
    if (line === undefined) throw new Error(`no line says "${msg}"`);
    return line;
  }, PATIENCE);

describe('services in processes of their own', { timeout: 90_000 }, () => {
  it('name job and trace in every line about a job, and send their spans, the last ones as they stop', async () => {
    const [api, worker] = [start('api'), start('worker')];
    const { port } = await lineOf(api.lines, 'listening');
    await lineOf(worker.lines, 'ready for jobs');
    const url = `http://127.0.0.1:${port ?? 0}`;
    await vi.waitUntil(async () => (await fetch(`${url}/readyz`)).ok, PATIENCE);
    const { traceId, headers } = clientTrace();
    const answer = await fetch(`${url}/upload`, { method: 'POST', body: form([{}]), headers });
    const { job_id } = (await answer.json()) as { job_id: string };
    await lineOf(worker.lines, 'ended');
    await lineOf(api.lines, 'POST /upload 202');
    const ofJob = [...api.lines, ...worker.lines].filter((line) => line.job_id === job_id);
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
