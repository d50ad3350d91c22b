import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { expect, test, vi } from 'vitest';
import { waitUntilGone } from '../process/identity.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { isFree } from '../../testing/is-free.ts';
import { findRabbitNode, startRabbitNode, stopRabbitNode } from './rabbitmq-node.ts';

const SETTING = 'application:get_env(rabbit, dead_letter_worker_publisher_confirm_timeout).';
const MAX_MESSAGE_SIZE = 'application:get_env(rabbit, max_message_size).';
/**
 * Ra (github.com/rabbitmq/ra, `ra_directory`) stores the list of queues up to about a second late: a queue that is younger
 * when the node is killed never gets a leader again, and is lost with all its messages.
 */
const SYNC_QUEUES = 'lists:foreach(fun dets:sync/1, dets:all()).';
const QUEUE = 'kept';
const quorum = { durable: true, arguments: { 'x-queue-type': 'quorum' } };

test('a killed node restarts with its ports and messages, one of an earlier version is replaced, and a stopped one leaves nothing behind', async () => {
  await using temporary = await tempFolder();
  // A folder name with other characters than ASCII.
  const folder = join(temporary.path, 'Мои документы');
  await mkdir(folder);
  try {
    const first = await startRabbitNode({ folder });
    await publishOne(first.amqpUrl);
    await first.ctl(['eval', SYNC_QUEUES]);
    expect(await first.ctl(['eval', SETTING])).toBe('{ok,5000}');
    expect(await first.ctl(['eval', MAX_MESSAGE_SIZE])).toBe('{ok,2097152}');
    expect((await startRabbitNode({ folder })).process).toEqual(first.process);
    process.kill(first.process.pid, 'SIGSTOP');
    // Its threads do not stop at once.
    await expect
      .poll(() => first.probe(), { timeout: 20_000 })
      .toEqual({ ready: false, reason: 'not responding' });
    process.kill(first.process.pid, 'SIGCONT');
    expect(await first.probe()).toEqual({ ready: true });
    process.kill(first.process.pid, 'SIGKILL');
    expect(await waitUntilGone(first.process, 5_000)).toBe(true);

    const second = await startRabbitNode({ folder });
    expect(second.ports).toEqual(first.ports);
    // The count is 0 until the queue has a leader.
    await vi.waitFor(async () => expect(await messagesIn(second.amqpUrl)).toBe(1), 10_000);

    // As an earlier version wrote it, without the users of the services.
    await writeFile(join(folder, 'definitions.json'), '{}');
    const third = await startRabbitNode({ folder });
    expect(third.process).not.toEqual(second.process);
    expect(await third.ctl(['list_users'])).toContain('worker');
    await third.stop();
    expect(await findRabbitNode(folder)).toBeUndefined();
    for (const port of Object.values(third.ports)) expect(await isFree(port)).toBe(true);
  } finally {
    await stopRabbitNode(folder);
  }
}, 120_000);

async function publishOne(amqpUrl: string): Promise<void> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(QUEUE, quorum);
  channel.sendToQueue(QUEUE, Buffer.from('one'), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

async function messagesIn(amqpUrl: string): Promise<number> {
  const connection = await connect(amqpUrl);
  const channel = await connection.createChannel();
  const { messageCount } = await channel.assertQueue(QUEUE, quorum);
  await connection.close();
  return messageCount;
}
