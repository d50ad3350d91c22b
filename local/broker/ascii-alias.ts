import { createHash } from 'node:crypto';
import { rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ASCII = /^[\x20-\x7e]*$/;

/**
 * RabbitMQ's management plugin does not start where a path has other characters than ASCII, as in `/home/me/Документы`
 * (rabbit_mgmt_external_stats takes the path for bytes). Such a folder gets a link of another name. The name is always
 * the same one, since quorum queues write down the full path of their data and would begin empty under another.
 * @returns the link, to be removed by the caller; undefined if the folder needs none
 */
export async function asciiAlias(folder: string): Promise<string | undefined> {
  if (ASCII.test(folder)) return undefined;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const alias = join(tmpdir(), `image-pipeline-rabbitmq-${hash}`);
  await rm(alias, { force: true });
  await symlink(folder, alias);
  return alias;
}
