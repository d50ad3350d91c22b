import type { Channel } from 'amqplib';
import type { Logger } from '../log.ts';
import type { BrokerConnection } from './connection.ts';
import { brokersWords } from './misconfiguration.ts';
import type { OutgoingMessage } from './publisher.ts';
import { copyOf } from './received-message.ts';
import { closeChannel } from './supervised-channel.ts';
import { exchangeNames, queueNames, routingKeys } from './topology.ts';

/** Queues that an earlier version declared, and the queues that get their messages now. */
const retiredQueues = [
  {
    name: 'image.jobs.burial',
    binding: { exchange: exchangeNames.deadLetters, routingKey: routingKeys.deadJob },
    successor: queueNames.deadRecorder,
  },
] as const;

export interface RetiredQueuesOptions {
  readonly connection: Pick<BrokerConnection, 'createChannel'>;
  /** Publishes a message and waits for the confirm. */
  readonly publish: (message: OutgoingMessage) => Promise<void>;
  readonly log: Logger;
}

/**
 * Unbinds each queue of an earlier version, moves its messages to its successor, and deletes it: otherwise it would fill up
 * indefinitely. A message may be moved twice, if this is interrupted. Keeps a queue that still has consumers.
 */
export async function removeRetiredQueues({ connection, publish, log }: RetiredQueuesOptions): Promise<void> {
  for (const { name, binding, successor } of retiredQueues) {
    const channel = await connection.createChannel();
    try {
      if (!(await exists(channel, name))) continue;
      await channel.unbindQueue(name, binding.exchange, binding.routingKey);
      const moved = await moveMessages(channel, name, successor, publish);
      // RabbitMQ does not support the conditions "if unused" and "if empty" for quorum queues.
      const { messageCount, consumerCount } = await channel.checkQueue(name);
      const about = { queue: name, successor, moved };
      if (messageCount + consumerCount > 0) {
        const command = `rabbitmqctl delete_queue ${name}`;
        log.warn(
          { ...about, consumers: consumerCount },
          `an earlier version still uses this queue; stop it and restart this service, or run: ${command}`,
        );
        continue;
      }
      await channel.deleteQueue(name);
      log.info(about, 'moved the messages of a queue of an earlier version, and deleted the queue');
    } finally {
      await closeChannel(channel);
    }
  }
}

/** @returns the number of messages */
async function moveMessages(
  channel: Channel,
  from: string,
  to: string,
  publish: RetiredQueuesOptions['publish'],
): Promise<number> {
  for (let moved = 0; ; moved++) {
    const message = await channel.get(from);
    if (message === false) return moved;
    await publish(copyOf({ ...message, fields: { ...message.fields, consumerTag: '' } }, to));
    channel.ack(message);
  }
}

async function exists(channel: Channel, queue: string): Promise<boolean> {
  try {
    await channel.checkQueue(queue);
    return true;
  } catch (error) {
    if (/NOT[_-]FOUND/.test(brokersWords(error))) return false;
    throw error;
  }
}
