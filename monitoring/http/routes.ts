import type { IncomingMessage } from 'node:http';
import type { History } from '@image-pipeline/shared/contracts/snapshot.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Route } from '@image-pipeline/shared/http/service-server.ts';
import { z } from 'zod';
import { judgeHealth } from '../snapshot/judge-health.ts';
import type { RecentSamples } from '../snapshot/recent-samples.ts';
import type { SnapshotKeeper } from '../snapshot/snapshot-keeper.ts';
import { readIntervalOrder } from './set-interval.ts';

export interface MonitoringRoutesOptions {
  readonly keeper: Pick<SnapshotKeeper, 'snapshot' | 'intervalSeconds'>;
  readonly samples: RecentSamples;
  /** The configured API token; empty where none is set. */
  readonly token: string;
}

/** The routes of monitoring besides /livez, /readyz and /metrics. All respond from memory. */
export function monitoringRoutes(options: MonitoringRoutesOptions): Readonly<Record<string, Route>> {
  const { keeper, samples, token } = options;
  return {
    'GET /status': {
      description: 'Queues, workers, rates, latencies and totals as one snapshot.',
      handle: () => ({ status: 200, body: keeper.snapshot }),
    },
    'GET /history': {
      description: 'One short sample of each recent refresh, oldest first; ?since=2026-01-01T12:00:00Z.',
      isTraced: true,
      handle: (request) => {
        const body: History = {
          samples: samples.since(sinceIn(request)),
          interval_seconds: keeper.intervalSeconds,
        };
        return { status: 200, body };
      },
    },
    'GET /health': {
      description: 'Whether the snapshot is up to date: ok, stale or error.',
      handle: () => {
        const health = judgeHealth(keeper.snapshot.sources, keeper.intervalSeconds);
        return { status: health.status === 'ok' ? 200 : 503, body: health };
      },
    },
    'PUT /interval': {
      description: 'Sets the seconds between refreshes: {"seconds": 5}. Requires the API token.',
      isTraced: true,
      handle: async (request) => {
        keeper.intervalSeconds = await readIntervalOrder(request, token);
        const note = 'until the service restarts';
        return { status: 200, body: { interval_seconds: keeper.intervalSeconds, note } };
      },
    },
  };
}

const timestampSchema = z.iso.datetime({ offset: true });

/**
 * The query parameter `since` in milliseconds since 1970; 0 where there is none.
 * @throws PipelineError `invalid_parameter`
 */
function sinceIn(request: IncomingMessage): number {
  const since = URL.parse(request.url ?? '/', 'http://localhost')?.searchParams.get('since') ?? null;
  if (since === null) return 0;
  const parsed = timestampSchema.safeParse(since);
  if (parsed.success) return Date.parse(parsed.data);
  throw new PipelineError(
    'invalid_parameter',
    `Invalid "since": must be an ISO 8601 timestamp with a time zone, for example ${new Date(0).toISOString()}.`,
  );
}
