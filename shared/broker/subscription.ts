import { v7 as uuidv7 } from 'uuid';
import type { Startable } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import type { BrokerConnection } from './connection.ts';
import { decodeMessage } from './received-message.ts';
import { SupervisedChannel } from './supervised-channel.ts';

export interface SubscriptionOptions {
  readonly connection: BrokerConnection;
  readonly exchange: string;
  readonly routingKey: string;
  /** Called with the JSON of each message; undefined if it is malformed. */
  readonly onMessage: (body: unknown) => void;
  readonly log: Logger;
}

/**
 * Receives messages that are worth something only now, through a queue of its own that ends with its channel: what is
 * published without a subscriber is lost, so that an old command never reaches a new process.
 */
export class Subscription implements Startable {
  readonly #supervised: SupervisedChannel;

  constructor({ connection, exchange, routingKey, onMessage, log }: SubscriptionOptions) {
    this.#supervised = new SupervisedChannel({
      connection,
      name: `subscription to ${exchange}`,
      log,
      use: async (channel, _lost, abandon) => {
        const { queue } = await channel.assertQueue(`${exchange}.${uuidv7()}`, {
          exclusive: true,
          autoDelete: true,
          durable: false,
          arguments: { 'x-queue-type': 'classic' },
        });
        await channel.bindQueue(queue, exchange, routingKey);
        const take = (content: Buffer | undefined) => {
          if (content === undefined) abandon('RabbitMQ cancelled the consumer');
          else onMessage(parse(content));
        };
        await channel.consume(queue, (message) => take(message?.content), { noAck: true });
      },
    });
  }

  start(): Promise<void> {
    return this.#supervised.start();
  }

  stop(): Promise<void> {
    return this.#supervised.stop();
  }
}

function parse(content: Buffer): unknown {
  try {
    return decodeMessage(content);
  } catch {
    return undefined;
  }
}
