import { workerCommandSchema, workerReportSchema } from '@image-pipeline/shared/contracts/worker-command.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { clientGone, invalidBySchema, readQuery, wholeNumber } from '../http/request.ts';
import type { Operations } from '../openapi/operation.ts';
import type { ReportingWorkers } from './reporting-workers.ts';

/** How long a request may wait for a change, in milliseconds. */
const LONGEST_WAIT_MS = 20_000;

const workersQuerySchema = z.object({
  after: wholeNumber(
    0,
    999_999,
    0,
    'The `version` that you know: the response comes when there is another one, or after 20 s.',
  ),
});

const workerListSchema = z
  .object({
    version: z.int().min(1).meta({ description: 'Changes whenever the workers change.' }),
    workers: z.array(workerReportSchema.omit({ version: true })),
  })
  .meta({ id: 'WorkerList' });

const commandBodySchema = z
  .strictObject({
    // At most 240 bytes of UTF-8: the name is part of a routing key, which has at most 255.
    worker: z.string().max(80).meta({ description: 'The name of a worker.' }),
    command: workerCommandSchema.shape.command,
  })
  .meta({ id: 'WorkerCommandRequest' });

/** `GET /development/workers`; `?after=7` is a long poll for the next change. */
export function workersRoute(known: ReportingWorkers, stopping: AbortSignal): RequestHandler {
  return async (request, response) => {
    const { after } = readQuery(request, workersQuerySchema);
    if (after === known.version) {
      await known.changed(
        AbortSignal.any([clientGone(response), stopping, AbortSignal.timeout(LONGEST_WAIT_MS)]),
      );
    }
    const workers = known.all.map((report) => workerListSchema.shape.workers.element.parse(report));
    response.setHeader('Cache-Control', 'no-store');
    response.json({ version: known.version, workers } satisfies z.output<typeof workerListSchema>);
  };
}

/** `POST /development/commands` */
export function commandRoute(known: ReportingWorkers): RequestHandler {
  return async (request, response) => {
    const order = commandBodySchema.safeParse(request.body);
    if (!order.success) throw invalidBySchema('', order.error);
    const { worker, command } = order.data;
    if (!(await known.command(worker, command))) {
      const running = known.all.map((report) => report.worker);
      throw new PipelineError(
        'worker_not_running',
        `No worker with this name is running. Running workers: ${running.join(', ') || 'none'}.`,
        { details: { allowed: running } },
      );
    }
    response.status(202).json({ worker, command });
  };
}

/** The first is what Swagger UI sends by default. */
export const commandExamples = {
  resume: { worker: 'worker-1', command: 'resume' },
  kill: { worker: 'worker-1', command: 'kill' },
} as const;

export const developmentOperations = {
  'GET /development/workers': {
    id: 'listWorkers',
    tag: 'Development',
    summary: 'List the running workers',
    description: 'A worker that was killed disappears, and returns when its runtime has started it again.',
    query: workersQuerySchema,
    responses: {
      200: {
        description: 'The workers that have reported in the last seconds.',
        types: { 'application/json': workerListSchema },
        example: {
          version: 7,
          workers: [{ worker: 'worker-1', state: 'consuming', slots: 2, jobs: 1, will_crash: false }],
        },
      },
    },
    problems: ['unauthorized', 'token_not_set'],
    token: 'always',
  },
  'POST /development/commands': {
    id: 'commandWorker',
    tag: 'Development',
    summary: 'Stop, kill or pause a worker, or crash its decoder',
    description:
      'To see that no job is lost. The command is a message to this one worker; a worker in production accepts none.',
    json: {
      schema: commandBodySchema,
      examples: commandExamples,
    },
    responses: {
      202: {
        description: 'The worker gets the command.',
        types: { 'application/json': commandBodySchema },
        example: { worker: 'worker-1', command: 'kill' },
      },
    },
    problems: [
      'unauthorized',
      'token_not_set',
      'worker_not_running',
      'broker_unavailable',
      'publish_unconfirmed',
      'body_too_large',
    ],
    token: 'always',
  },
} as const satisfies Operations;
