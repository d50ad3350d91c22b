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

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('POST /jobs/republish', () => {
  it('lists the jobs that were republished, with the counts of the ledger', async () => {
    const lost = [someRequest(), someRequest()];
    const api = await startApi(lost, { ended: 1, damaged: 2, left: 3 });
    expect(await republish(api, { all: true })).toMatchObject({
      status: 200,
      json: {
        dry_run: false,
        unaccounted: 2,
        republished: 2,
        ended: 1,
        damaged: 2,
        left: 3,
        jobs: lost.map(({ job_id }) => ({
          job_id,
          run: 1,
          republished: true,
          status_url: expect.stringContaining(job_id) as unknown,
        })),
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

  it('says that both services need the same token', async () => {
    const api = await startApi(new PipelineError('unauthorized', 'Invalid token.'));
    expect(await republish(api, { all: true })).toMatchObject({
      status: 503,
      json: { code: 'token_not_set', detail: expect.stringContaining('the same API_TOKEN') as unknown },
    });
  });

  it('says that monitoring is still republishing when it does not respond in time', async () => {
    const api = await startApi(new Promise<never>(() => undefined), {}, { republishTimeoutMs: 100 });
    expect(await republish(api, { all: true })).toMatchObject({
      status: 503,
      json: { code: 'not_caught_up', detail: 'Monitoring is still republishing. Ask again.' },
    });
  });

  it('does not pass on an internal error of monitoring', async () => {
    const api = await startApi(new PipelineError('internal_error', 'A secret.'));
    const { status, json: problem } = await republish(api, { all: true });
    expect([status, problem]).toMatchObject([503, { code: 'not_caught_up' }]);
    expect(JSON.stringify(problem)).not.toContain('secret');
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

/** An API whose monitoring service has these lost jobs, throws, or does not respond. */
async function startApi(
  lost: readonly JobRequest[] | PipelineError | Promise<never>,
  counts: Partial<RepublishResult> = {},
  limits: Parameters<typeof system.startApi>[1] = {},
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
          expect(request.headers.traceparent).toContain(TRACE);
          if (lost instanceof PipelineError) throw lost;
          if (lost instanceof Promise) return lost;
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
  const MONITORING_URL = `http://127.0.0.1:${monitoring.port}`;
  return system.startApi({ API_TOKEN: TOKEN, MONITORING_URL }, limits);
}

const republish = (api: TestApi, body: unknown, token = TOKEN) =>
  api.ask('/jobs/republish', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
    body: JSON.stringify(body),
  });
