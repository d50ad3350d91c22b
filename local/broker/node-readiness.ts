import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodePorts } from './node-ports.ts';

const HOST = '127.0.0.1';
const POLL_MS = 100;
const ANSWER_MS = 2_000;

/** Polls until the AMQP port and the management API answer (true) or `giveUp` says that there is no more hope (false). */
export async function untilAnswering(ports: NodePorts, giveUp: () => Promise<boolean>): Promise<boolean> {
  while (!((await accepts(ports.amqp)) && (await managementAnswers(ports.management)))) {
    if (await giveUp()) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** A client that leaves before it says a word is not worth a line in the node's log; a half handshake is. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: HOST });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}

/** The login page needs no user; guest may not exist in a node whose definitions were changed. */
async function managementAnswers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${HOST}:${port}/`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
