import type { IncomingMessage } from 'node:http';
import { errorCodes, PipelineError, problemType } from '@image-pipeline/shared/errors.ts';
import type { Answer, Route } from '@image-pipeline/shared/http/service-server.ts';
import { beginRequest } from '@image-pipeline/shared/tracing/http-spans.ts';
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
      const path = '/interval';
      const inHand = beginRequest('PUT', request.headers.traceparent, false);
      let answer: Answer | undefined;
      try {
        answer = await changeInterval(keeper, request, token).catch((error: unknown) =>
          refusal(error, { instance: path, trace_id: inHand.traceId }),
        );
        return answer;
      } finally {
        inHand.end({ method: 'PUT', route: path, path, status: answer?.status });
      }
    },
  };
}

async function changeInterval(
  keeper: Pick<SnapshotKeeper, 'intervalSeconds'>,
  request: IncomingMessage,
  token: string,
): Promise<Answer> {
  keeper.intervalSeconds = await readIntervalOrder(request, token);
  const note = 'until the service is started again';
  return { status: 200, body: { interval_seconds: keeper.intervalSeconds, note } };
}

/** @param about what every problem tells of its request */
function refusal(error: unknown, about: { readonly instance: string; readonly trace_id: string }): Answer {
  const code = Object.keys(intervalRefusals).find(
    (known): known is keyof typeof intervalRefusals => error instanceof PipelineError && error.code === known,
  );
  if (code === undefined || !(error instanceof PipelineError)) throw error;
  const status = intervalRefusals[code];
  return {
    status,
    body: {
      type: problemType(code),
      title: errorCodes[code],
      status,
      detail: error.message,
      code,
      ...about,
    },
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
      // What was not read of the body must not be taken for the next request.
      ...(status !== 422 && { Connection: 'close' }),
    },
  };
}
