import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import { writeNodeFiles } from './node-files.ts';

/** The memory of a container is limited. */
const DIFFERENT = ['vm_memory_high_watermark.absolute'];

it('gives the node without Docker the same limits as the container', async () => {
  await using temporary = await tempFolder();
  const ports = { amqp: 1, management: 2, prometheus: 3, distribution: 4, epmd: 5 };
  await writeNodeFiles(temporary.path, { name: 'node', ports, folder: temporary.path });
  const node = await settingsIn(join(temporary.path, 'rabbitmq.conf'));
  const container = await settingsIn(join(import.meta.dirname, '../../docker/rabbitmq/rabbitmq.conf'));
  const shared = Object.keys(container).filter((name) => name in node && !DIFFERENT.includes(name));
  expect(shared).toEqual(['heartbeat', 'consumer_timeout', 'disk_free_limit.absolute', 'max_message_size']);
  for (const name of shared) expect([name, node[name]]).toEqual([name, container[name]]);
});

async function settingsIn(path: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await readFile(path, 'utf8')).matchAll(/^([\w.]+) = (.+)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}
