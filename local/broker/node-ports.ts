import { z } from 'zod';
import { freePort, portsFrom } from '../process/free-port.ts';

/** Every port a node listens on, all of them on 127.0.0.1. */
export const nodePortsSchema = z.strictObject({
  amqp: z.int(),
  management: z.int(),
  prometheus: z.int(),
  /** Erlang's distribution, which rabbitmqctl talks to. */
  distribution: z.int(),
  /** Erlang's port mapper; each node has one of its own. */
  epmd: z.int(),
});
export type NodePorts = z.infer<typeof nodePortsSchema>;

/** The ports that people use. Where one is taken the next free one after it is used. */
export type PreferredPorts = Partial<Pick<NodePorts, 'amqp' | 'management' | 'prometheus'>>;

/** RabbitMQ's usual ports. */
export const USUAL_PORTS = { amqp: 5672, management: 15_672, prometheus: 15_692 } as const;

/** Free ports: those preferred, or else those that the node had last time, or else any. */
export async function chooseNodePorts(
  preferred: PreferredPorts,
  lastTime: Partial<NodePorts> = {},
): Promise<NodePorts> {
  const chosen: number[] = [];
  const choose = async (first: number | undefined, last: number | undefined): Promise<number> => {
    const candidates = first === undefined ? (last === undefined ? [] : [last]) : portsFrom(first);
    const port = await freePort(candidates, chosen);
    chosen.push(port);
    return port;
  };
  return {
    amqp: await choose(preferred.amqp, lastTime.amqp),
    management: await choose(preferred.management, lastTime.management),
    prometheus: await choose(preferred.prometheus, lastTime.prometheus),
    distribution: await choose(undefined, lastTime.distribution),
    epmd: await choose(undefined, lastTime.epmd),
  };
}
