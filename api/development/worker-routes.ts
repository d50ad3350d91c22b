import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { exchangeNames } from '@image-pipeline/shared/broker/topology.ts';
import { workerCommandKey, workerCommandSchema } from '@image-pipeline/shared/contracts/worker-command.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { invalidBySchema, validate } from '@image-pipeline/shared/validation.ts';
import type { RequestHandler } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { Operations } from '../openapi/operation.ts';

const commandBodySchema = z
  .strictObject({
    // At most 240 bytes of UTF-8: the name is part of a routing key, which has at most 255.
    worker: z.string().max(80).meta({ description: 'The name of a worker.' }),
    command: workerCommandSchema.shape.command,
  })
  .meta({ id: 'WorkerCommandRequest' });

/** `POST /development/commands` */
export function commandRoute({ publisher }: Pick<Broker, 'publisher'>): RequestHandler {
  return async (request, response) => {
    const { data, problems } = validate(commandBodySchema, request.body);
    if (problems !== undefined) throw invalidBySchema('', problems);
    const { worker, command } = data;
    const isConnected = await publisher.publishIfBound({
      exchange: exchangeNames.workers,
      routingKey: workerCommandKey(worker),
      body: { version: 1, command },
      messageId: uuidv7(),
      correlationId: worker,
      type: 'worker.command',
      contentType: 'application/json',
    });
    if (!isConnected) {
      const message =
        'No worker with this name is running. "make ps" lists the workers; without make: "docker-compose ps".';
      throw new PipelineError('worker_not_running', message);
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
