import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { processIdentitySchema } from '../process/identity.ts';
import { nodePortsSchema } from './node-ports.ts';

/** What a node's folder remembers of it: what it was last started with, and its process while it runs. */
const nodeRecordSchema = z.strictObject({
  name: z.string(),
  ports: nodePortsSchema,
  /** Where the folder was. Quorum queues write down the full path of their data. */
  folder: z.string(),
  /** Another name of the folder, by which the node knows it; see asciiAlias. */
  alias: z.string().optional(),
  process: processIdentitySchema.optional(),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

const fileIn = (folder: string) => join(folder, 'node.json');

/** Undefined if there never was a node in this folder, or its record can't be read. */
export async function readNodeRecord(folder: string): Promise<NodeRecord | undefined> {
  try {
    return nodeRecordSchema.parse(JSON.parse(await readFile(fileIn(folder), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeNodeRecord(folder: string, record: NodeRecord): Promise<void> {
  const temporary = `${fileIn(folder)}.new`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  await rename(temporary, fileIn(folder));
}
