import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { Subscription } from '@image-pipeline/shared/broker/subscription.ts';
import { exchangeNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import {
  type WorkerCommand,
  workerCommandKey,
  workerCommandSchema,
  type WorkerReport,
} from '@image-pipeline/shared/contracts/worker-command.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import { Repeater } from '@image-pipeline/shared/repeater.ts';
import { v7 as uuidv7 } from 'uuid';
import type { ImagePool } from '../image-pool/image-pool.ts';
import type { JobIntake } from '../job-intake.ts';

const REPORT_SECONDS = 1;

export interface WorkerCommandsOptions {
  readonly worker: string;
  readonly slots: number;
  readonly broker: Pick<Broker, 'subscription' | 'publisher'>;
  readonly intake: JobIntake;
  readonly pool: Pick<ImagePool, 'crashNext' | 'willCrash'>;
  /** Sends a signal to this process. */
  readonly signal: (name: 'SIGTERM' | 'SIGKILL') => void;
  readonly log: Logger;
}

/**
 * Lets people break this worker, to see what RabbitMQ does with its jobs: executes commands, and reports its state every
 * second. Not for production.
 */
export class WorkerCommands implements Startable {
  readonly #options: WorkerCommandsOptions;
  readonly #subscription: Subscription;
  readonly #reports: Repeater;

  constructor(options: WorkerCommandsOptions) {
    this.#options = options;
    this.#subscription = options.broker.subscription({
      exchange: exchangeNames.workers,
      routingKey: workerCommandKey(options.worker),
      onMessage: (body) => this.#take(body),
    });
    this.#reports = new Repeater(() => this.#report(), REPORT_SECONDS);
  }

  async start(): Promise<void> {
    await this.#subscription.start();
    await this.#reports.start();
  }

  async stop(): Promise<void> {
    await this.#reports.stop();
    await this.#subscription.stop();
  }

  #take(body: unknown): void {
    const command = workerCommandSchema.safeParse(body).data?.command;
    const { log } = this.#options;
    if (command === undefined) {
      log.warn('ignored an unknown command');
      return;
    }
    log.warn({ command }, 'received a command');
    this.#execute(command).catch((error: unknown) =>
      log.error({ command, reason: messageOf(error) }, 'a command failed'),
    );
    void this.#reports.now();
  }

  async #execute(command: WorkerCommand): Promise<void> {
    const { intake, pool, signal } = this.#options;
    switch (command) {
      case 'stop':
        signal('SIGTERM');
        return;
      case 'kill':
        signal('SIGKILL');
        return;
      case 'pause':
        return intake.pause();
      case 'resume':
        return intake.resume();
      case 'crash':
        pool.crashNext();
    }
  }

  /** There may be no subscriber, and a lost report does not matter. */
  async #report(): Promise<undefined> {
    const { worker, slots, broker, intake, pool, log } = this.#options;
    const { state, inFlight: jobs } = intake;
    const report: WorkerReport = { version: 1, worker, state, slots, jobs, will_crash: pool.willCrash };
    try {
      await broker.publisher.publishIfBound({
        exchange: exchangeNames.workers,
        routingKey: routingKeys.workerReport,
        body: report,
        messageId: uuidv7(),
        correlationId: worker,
        type: 'worker.report',
        contentType: 'application/json',
      });
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'could not report');
    }
    return undefined;
  }
}
