import { z } from 'zod';

/** Commands to a worker; not available in production. */
const workerCommands = ['stop', 'kill', 'pause', 'resume', 'crash'] as const;
export type WorkerCommand = (typeof workerCommands)[number];

/** A message to one worker, with its name in the routing key: see `workerCommandKey`. */
export const workerCommandSchema = z
  .object({
    version: z.literal(1),
    command: z.enum(workerCommands).meta({
      description:
        '`stop`: finish the jobs in progress and exit. `kill`: exit by SIGKILL, now. `pause`: take no more jobs. `resume`: take jobs again. `crash`: crash the process that decodes the next image.',
    }),
  })
  .meta({ id: 'WorkerCommand', description: 'A command to a worker. Accepted outside of production only.' });

export const workerReportSchema = z
  .object({
    version: z.literal(1),
    worker: z.string(),
    state: z.enum(['consuming', 'paused', 'stopping', 'starting']).meta({
      description: '`starting`: it does not consume yet, or RabbitMQ or the store is unavailable.',
    }),
    slots: z.int().min(1).meta({ description: 'Jobs that it can process at a time.' }),
    jobs: z.int().min(0).meta({ description: 'Jobs in progress.' }),
    will_crash: z
      .boolean()
      .meta({ description: 'Whether the process that decodes its next image will crash.' }),
  })
  .meta({ id: 'WorkerReport', description: 'The state of a worker, every second outside of production.' });

export type WorkerReport = z.output<typeof workerReportSchema>;

/** The routing key of commands to a worker. */
export const workerCommandKey = (worker: string) => `command.${worker}`;
