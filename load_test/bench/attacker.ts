import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { RawClient } from '../../testing/raw-client.ts';
import { SocketClient } from '../../testing/socket-client.ts';
import { inBatches } from './traffic.ts';

/** Where all attacks come from. */
export const ATTACKER = '127.0.0.3';
/** An attack that the service refuses is repeated. */
const WAVE_MS = 2_000;
const SOCKETS = 500;
const REPLAYS = 5_000;

export type AttackOrder =
  /** Connections that send the same bytes, read one chunk, and stay open until the service closes them. */
  | { readonly kind: 'flood'; readonly port: number; readonly count: number; readonly bytes: string }
  /** WebSockets that send the same message again and again, and read nothing. */
  | { readonly kind: 'replays'; readonly port: number; readonly message: string };

/**
 * Attacks from a process of its own, which has the lowest CPU priority: what clients notice is the work of the services, not
 * that of the attacker. Resolves after the first wave.
 * @param end ends the attack
 */
export async function attackInProcess(order: AttackOrder, end: DisposableStack): Promise<void> {
  const attacker = fork(import.meta.filename, [JSON.stringify(order)], {
    execPath: 'nice',
    execArgv: ['-n', '19', process.execPath],
  });
  end.defer(() => {
    if (!attacker.connected) throw new Error('The attacker exited before the end of the measurement.');
    attacker.kill('SIGKILL');
  });
  await Promise.race([once(attacker, 'message'), once(attacker, 'exit')]);
}

async function startWaves(order: AttackOrder): Promise<() => Promise<void>> {
  if (order.kind === 'flood') {
    const { port, count, bytes } = order;
    return () => inBatches(count, () => connect(port, bytes));
  }
  const { port, message } = order;
  const clients: SocketClient[] = [];
  await inBatches(SOCKETS, async () => {
    const client = await SocketClient.open(port, '', { localAddress: ATTACKER });
    client.socket.pause();
    clients.push(client);
  });
  return () =>
    inBatches(REPLAYS, (index) => {
      clients[index % clients.length]?.sayRaw(message);
      return setImmediate();
    });
}

async function connect(port: number, bytes: string): Promise<void> {
  const client = await RawClient.to(port, ATTACKER);
  client.socket.once('data', () => client.socket.pause());
  await client.send(bytes);
}

if (import.meta.main) {
  process.once('disconnect', () => process.exit());
  const wave = await startWaves(JSON.parse(process.argv[2] ?? '') as AttackOrder);
  setInterval(() => void wave().catch(() => undefined), WAVE_MS);
  await wave();
  process.send?.('begun');
}
