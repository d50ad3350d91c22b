import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Answer, Route } from '@image-pipeline/shared/http/service-server.ts';
import { judgeHealth } from '../snapshot/judge-health.ts';
import type { SnapshotKeeper } from '../snapshot/snapshot-keeper.ts';
import { intervalRefusals, readIntervalOrder } from './set-interval.ts';

/** What monitoring answers besides /livez, /readyz and /metrics: all from memory. */
export function monitoringRoutes(
  keeper: Pick<SnapshotKeeper, 'snapshot' | 'intervalSeconds'>,
  token: string,
): Readonly<Record<string, Route>> {
  return {
    'GET /status': () => ({ status: 200, body: keeper.snapshot }),
    'GET /health': () => {
      const health = judgeHealth(keeper.snapshot.sources, keeper.intervalSeconds);
      return { status: health.status === 'ok' ? 200 : 503, body: health };
    },
    'PUT /interval': async (request) => {
      try {
        keeper.intervalSeconds = await readIntervalOrder(request, token);
      } catch (error) {
        return refusal(error);
      }
      return {
        status: 200,
        body: { interval_seconds: keeper.intervalSeconds, note: 'until the service is started again' },
      };
    },
  };
}

function refusal(error: unknown): Answer {
  const code = Object.keys(intervalRefusals).find(
    (known): known is keyof typeof intervalRefusals => error instanceof PipelineError && error.code === known,
  );
  if (code === undefined || !(error instanceof PipelineError)) throw error;
  const status = intervalRefusals[code];
  return {
    status,
    body: { type: 'about:blank', title: code.replaceAll('_', ' '), status, code, detail: error.message },
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
      // What was not read of the body must not be taken for the next request.
      ...(status !== 422 && { Connection: 'close' }),
    },
  };
}
