import type { IncomingMessage } from 'node:http';
import { whyUnauthorized } from '@image-pipeline/shared/access-token.ts';
import {
  type RepublishOrder,
  republishOrderSchema,
  type RepublishResult,
} from '@image-pipeline/shared/contracts/republish.ts';
import type { History } from '@image-pipeline/shared/contracts/snapshot.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Route } from '@image-pipeline/shared/http/service-server.ts';
import { invalidBySchema, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';
import { MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS } from './config.ts';
import type { RecentSamples } from './snapshot/recent-samples.ts';
import { snapshotHealth } from './snapshot/snapshot-health.ts';
import type { SnapshotKeeper } from './snapshot/snapshot-keeper.ts';

interface MonitoringRoutesOptions {
  readonly keeper: Pick<SnapshotKeeper, 'snapshot' | 'intervalSeconds'>;
  readonly samples: RecentSamples;
  /** @throws PipelineError `not_caught_up`, `store_unavailable`, `broker_unavailable`, `publish_unconfirmed` */
  readonly republish: (order: RepublishOrder) => Promise<RepublishResult>;
  /** The configured API token; empty if there is none. */
  readonly token: string;
}

/** The routes of monitoring besides /livez, /readyz and /metrics. All but `POST /republish` respond from memory. */
export function monitoringRoutes(options: MonitoringRoutesOptions): Readonly<Record<string, Route>> {
  const { keeper, samples, republish, token } = options;
  return {
    'GET /status': {
      description: 'Queues, workers, rates, latencies and totals as one snapshot.',
      handle: () => ({ status: 200, body: keeper.snapshot }),
    },
    'GET /history': {
      query: ['since'],
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
        const health = snapshotHealth(keeper.snapshot.sources, keeper.intervalSeconds);
        return { status: health.status === 'ok' ? 200 : 503, body: health };
      },
    },
    'PUT /interval': {
      description: 'Sets the seconds between refreshes: {"seconds": 5}. Requires the API token.',
      isTraced: true,
      handle: async (request) => {
        keeper.intervalSeconds = (await readBody(request, token, intervalBody)).seconds;
        const note = 'until STATUS_UPDATE_INTERVAL is changed';
        return { status: 200, body: { interval_seconds: keeper.intervalSeconds, note } };
      },
    },
    'POST /republish': {
      description: 'Republishes jobs that are in no queue; use POST /jobs/republish of the API.',
      isTraced: true,
      handle: async (request) => ({
        status: 200,
        body: await republish(await readBody(request, token, orderBody)),
      }),
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
  const { data, problems } = validate(timestampSchema, since);
  if (problems !== undefined) throw invalidBySchema('since', problems);
  return Date.parse(data);
}

interface Body<Value> {
  readonly schema: z.ZodType<Value>;
  readonly maxBytes: number;
  readonly example: string;
}

const intervalBody: Body<{ seconds: number }> = {
  schema: z.strictObject({ seconds: z.number().min(MIN_INTERVAL_SECONDS).max(MAX_INTERVAL_SECONDS) }),
  maxBytes: 1_024,
  example: '{"seconds": 5}',
};

const orderBody: Body<RepublishOrder> = {
  schema: republishOrderSchema,
  maxBytes: 128 * 1_024,
  example: '{"dry_run": true}',
};

/**
 * The body of a request that needs the API token.
 * @param token the configured token; empty if there is none
 * @throws PipelineError `token_not_set`, `unauthorized`, `body_too_large`, `malformed_request`, `invalid_parameter`
 */
async function readBody<Value>(
  request: IncomingMessage,
  token: string,
  { schema, maxBytes, example }: Body<Value>,
): Promise<Value> {
  const refusal = whyUnauthorized(request.headers.authorization, token);
  if (refusal !== undefined) throw refusal;
  const { data, problems } = validate(schema, parseJson(await readText(request, maxBytes), example));
  if (problems !== undefined) throw invalidBySchema('', problems);
  return data;
}

async function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new PipelineError('body_too_large', `The body is too large. Maximum: ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseJson(text: string, example: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PipelineError('malformed_request', `The body is malformed JSON. Example: ${example}.`, {
      cause,
    });
  }
}
