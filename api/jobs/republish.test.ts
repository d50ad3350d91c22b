import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { republishOrderSchema, type RepublishResult } from '@image-pipeline/shared/contracts/republish.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { createServiceServer } from '@image-pipeline/shared/http/service-server.ts';
import { createLogger } from '@image-pipeline/shared/log.ts';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { TOKEN } from '../../testing/api-client.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

describe('POST /jobs/republish', () => {
  it('lists the jobs that were republished, with the counts of the ledger', async () => {
    const lost = [someRequest(), someRequest()];
    const api = await startApi(lost, { ended: 1, damaged: 2 });
    expect(await republish(api, { all: true })).toMatchObject({
      status: 200,
      json: {
        dry_run: false,
        unaccounted: 2,
        republished: 2,
        ended: 1,
        damaged: 2,
        jobs: lost.map(({ job_id }) => ({ job_id, run: 1, status: 'queued', republished: true })),
      },
    });
    expect((await republish(api, { all: true, dry_run: true })).json).toMatchObject({ dry_run: true });
  });

  it('selects the given jobs only, and shows those that have a message or have ended', async () => {
    const [lost, other, queued, ended] = [someRequest(), someRequest(), someRequest(), someRequest()];
    for (const request of [lost, other, queued]) await system.storeJob(request);
    await system.storeJob(ended, completedOutcome(ended));
    const api = await startApi([lost, other]);
    const ids = [lost.job_id.toUpperCase(), queued.job_id, ended.job_id];
    expect((await republish(api, { ids })).json).toMatchObject({
      republished: 1,
      jobs: [
        { job_id: lost.job_id, republished: true },
        { job_id: queued.job_id, status: 'queued', republished: false },
        { job_id: ended.job_id, status: 'completed', republished: false },
      ],
    });
  });

  it('passes on why monitoring cannot publish', async () => {
    const api = await startApi(new PipelineError('broker_unavailable', 'RabbitMQ blocks publishers.'));
    expect(await republish(api, { all: true })).toMatchObject({
      status: 503,
      json: { code: 'broker_unavailable', detail: 'RabbitMQ blocks publishers.' },
    });
  });

  it.each<[unknown, string]>([
    [{}, 'invalid_parameter'],
    [{ all: true, ids: ['a'] }, 'invalid_parameter'],
    [{ all: false }, 'invalid_parameter'],
    [{ ids: [] }, 'invalid_parameter'],
    [{ all: true, force: true }, 'invalid_parameter'],
    [{ ids: ['nobody'] }, 'job_not_found'],
  ])('refuses %j: %s', async (body, code) => {
    const api = await startApi([]);
    expect((await republish(api, body)).json).toMatchObject({ code });
  });

  it('refuses without the token, and while the ledger is unknown', async () => {
    const api = await system.startApi({ API_TOKEN: TOKEN });
    expect((await republish(api, { all: true }, 'another')).json).toMatchObject({ code: 'unauthorized' });
    expect((await republish(api, { all: true })).json).toMatchObject({
      code: 'not_caught_up',
      detail: expect.stringContaining('monitoring service') as unknown,
    });
  });
});

/** An API whose monitoring service has these lost jobs, or throws. */
async function startApi(
  lost: readonly JobRequest[] | PipelineError,
  counts: Partial<RepublishResult> = {},
): Promise<TestApi> {
  const result = { unaccounted: 0, republished: 0, ended: 0, damaged: 0, left: 0, ...counts };
  const monitoring = createServiceServer({
    service: 'monitoring',
    host: '127.0.0.1',
    port: 0,
    portsToTry: 1,
    keepAliveTimeoutMs: 1_000,
    notReadyBecause: () => undefined,
    metrics: createMetrics('monitoring'),
    log: createLogger('test', { level: 'silent', format: 'json' }),
    routes: {
      'POST /republish': {
        description: '',
        handle: async (request) => {
          expect(request.headers.authorization).toBe(`Bearer ${TOKEN}`);
          if (lost instanceof PipelineError) throw lost;
          const { ids, dry_run } = republishOrderSchema.parse(await json(request));
          const runs = lost.filter(({ job_id }) => ids?.includes(job_id) ?? true);
          const { length } = runs;
          return {
            status: 200,
            body: { ...result, dry_run, unaccounted: length, republished: length, runs },
          };
        },
      },
    },
  });
  await monitoring.start();
  system.onTestEnd(() => monitoring.stop());
  return system.startApi({ API_TOKEN: TOKEN, MONITORING_URL: `http://127.0.0.1:${monitoring.port}` });
}

const republish = (api: TestApi, body: unknown, token = TOKEN) =>
  api.ask('/jobs/republish', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
