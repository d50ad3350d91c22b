import type { ChannelModel } from 'amqplib';
import type { Topology } from './topology.ts';

/**
 * Asserts every exchange, queue and binding; existing ones with the same arguments are left unchanged.
 * @throws Error of amqplib (406) if one exists with other arguments
 */
export async function declareTopology(model: ChannelModel, topology: Topology): Promise<void> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  for (const exchange of topology.exchanges) {
    await channel.assertExchange(exchange.name, exchange.type, { durable: true });
  }
  for (const queue of topology.queues) {
    await channel.assertQueue(queue.name, { durable: true, arguments: queue.arguments });
    for (const binding of queue.bindings) {
      await channel.bindQueue(queue.name, binding.exchange, binding.routingKey);
    }
  }
  await channel.close();
}
