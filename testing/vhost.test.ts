import { connect } from 'amqplib';
import { expect, inject, test } from 'vitest';
import { managementCall } from './management-call.ts';
import { createVhost } from './vhost.ts';

const broker = inject('broker');

test('two virtual hosts keep queues of the same name apart', async () => {
  const [one, two] = [await createVhost(broker), await createVhost(broker)];
  const connection = await connect(one.amqpUrl);
  const channel = await connection.createChannel();
  await channel.assertQueue('jobs', { durable: true });
  expect(await managementCall(broker, 'GET', `queues/${one.name}?columns=name`)).toEqual([{ name: 'jobs' }]);
  expect(await managementCall(broker, 'GET', `queues/${two.name}?columns=name`)).toEqual([]);
  await connection.close();
  await one.delete();
  await two.delete();
});

test('a connection left open fails the clean-up, and the virtual host is gone all the same', async () => {
  const vhost = await createVhost(broker);
  const connection = await connect(vhost.amqpUrl);
  connection.on('error', () => undefined);
  await expect(vhost.delete()).rejects.toThrow('1 connection(s) to the broker are still open');
  await expect(managementCall(broker, 'GET', `vhosts/${vhost.name}`)).rejects.toThrow('404');
});
