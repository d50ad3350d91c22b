import type { Logger } from '../log.ts';
import type { BrokerConnection } from './connection.ts';
import { PublishRefused } from './publisher.ts';
import { SupervisedChannel } from './supervised-channel.ts';

export interface QueueCounts {
  /** Messages that wait for a consumer, without unacknowledged ones. */
  readonly ready: number;
  readonly consumers: number;
}

/** Reads queue lengths by passive declaration, which does not consume messages. */
export class QueueInspector {
  readonly #supervised: SupervisedChannel;

  constructor(connection: BrokerConnection, log: Logger) {
    this.#supervised = new SupervisedChannel({
      connection,
      name: 'queue inspector',
      use: () => Promise.resolve(),
      log,
    });
  }

  start(): Promise<void> {
    return this.#supervised.start();
  }

  /** @throws PipelineError `broker_unavailable` while not connected; Error if the queue does not exist */
  async inspect(queue: string): Promise<QueueCounts> {
    const channel = this.#supervised.channel;
    if (channel === undefined) throw new PublishRefused('no connection to RabbitMQ');
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    return { ready: messageCount, consumers: consumerCount };
  }

  stop(): Promise<void> {
    return this.#supervised.stop();
  }
}
