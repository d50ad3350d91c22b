import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { freePort, portsFrom } from '../process/free-port.ts';
import { processIdentitySchema } from '../process/identity.ts';

/** The ports that a node listens on, all on 127.0.0.1. */
const nodePortsSchema = z.strictObject({
  amqp: z.int(),
  management: z.int(),
  prometheus: z.int(),
  /** Erlang's distribution, used by rabbitmqctl. */
  distribution: z.int(),
  /** Erlang's port mapper; each node has its own. */
  epmd: z.int(),
});
export type NodePorts = z.infer<typeof nodePortsSchema>;

/** What is written to a node's folder: how it was last started, and its process while it runs. */
const nodeRecordSchema = z.strictObject({
  name: z.string(),
  ports: nodePortsSchema,
  /** Where the folder was. Quorum queues store the full path of their data. */
  folder: z.string(),
  /** A link to the folder, whose path the node uses; see asciiAlias. */
  alias: z.string().optional(),
  process: processIdentitySchema.optional(),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

const fileIn = (folder: string) => join(folder, 'node.json');

/** Undefined if there never was a node in this folder, or if its record is invalid. */
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

/** The ports that people use. If one is in use, the node gets the next free one. */
export type PreferredPorts = Partial<Pick<NodePorts, 'amqp' | 'management' | 'prometheus'>>;

/** RabbitMQ's default ports. */
export const DEFAULT_PORTS = { amqp: 5672, management: 15_672, prometheus: 15_692 } as const;

/** Free ports: the preferred ones, or those that the node had before, or any. */
export async function chooseNodePorts(
  preferred: PreferredPorts,
  before: Partial<NodePorts> = {},
): Promise<NodePorts> {
  const chosen: number[] = [];
  const choose = async (first: number | undefined, last: number | undefined): Promise<number> => {
    const candidates = first === undefined ? (last === undefined ? [] : [last]) : portsFrom(first);
    const port = await freePort(candidates, chosen);
    chosen.push(port);
    return port;
  };
  return {
    amqp: await choose(preferred.amqp, before.amqp),
    management: await choose(preferred.management, before.management),
    prometheus: await choose(preferred.prometheus, before.prometheus),
    distribution: await choose(undefined, before.distribution),
    epmd: await choose(undefined, before.epmd),
  };
}
