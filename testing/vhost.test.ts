import { connect } from 'amqplib';
import { expect, inject, test } from 'vitest';
import { managementCall } from './management-call.ts';
import { createVhost } from './vhost.ts';

const broker = inject('broker');

test('queues of the same name in two virtual hosts are separate', async () => {
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

test('an open connection fails the clean-up, but the virtual host is removed', async () => {
  const vhost = await createVhost(broker);
  const connection = await connect(vhost.amqpUrl);
  connection.on('error', () => undefined);
  await expect(vhost.delete()).rejects.toThrow('1 connection(s) to the broker are still open');
  await expect(managementCall(broker, 'GET', `vhosts/${vhost.name}`)).rejects.toThrow('404');
});
