import { setTimeout as sleep } from 'node:timers/promises';
import type { RespawnedService } from '../../testing/respawned-service.ts';
import type { ChaosSystem } from './chaos-system.ts';
import type { Fault } from './fault.ts';
import { decodersOf } from './processes.ts';

/** Does one bad thing and undoes it. Resolves when it is over; how long the system then takes is its own affair. */
export async function applyFault(system: ChaosSystem, fault: Fault): Promise<void> {
  const { services, broker, store } = system;
  switch (fault.kind) {
    case 'kill worker':
      await workerOf(system, fault.worker).signal('SIGKILL');
      return;
    case 'freeze worker': {
      const worker = workerOf(system, fault.worker);
      void worker.signal('SIGSTOP');
      await sleep(fault.forMs);
      void worker.signal('SIGCONT');
      return;
    }
    case 'kill decoder': {
      const [decoder] = await decodersOf(services);
      if (decoder !== undefined) killIfThere(decoder.pid);
      return;
    }
    case 'kill api':
      await services.api.signal('SIGKILL');
      return;
    case 'kill notification':
      await services.notification.signal('SIGKILL');
      return;
    case 'close connections':
      await broker.closeConnections();
      return;
    case 'cut connections':
      broker.network.cut();
      return;
    case 'half-open connections':
      broker.network.freeze();
      await sleep(fault.forMs);
      await broker.network.resume();
      return;
    case 'restart broker':
      await broker.stopApp();
      await broker.startApp();
      return;
    case 'kill broker':
      await broker.kill();
      await broker.startAgain();
      return;
    case 'memory alarm':
      await broker.raiseAlarm();
      await sleep(fault.forMs);
      await broker.clearAlarm();
      return;
    case 'store away':
      await store.away();
      await sleep(fault.forMs);
      await store.back();
      return;
  }
}

/** @param number from 1; any number names a worker */
function workerOf({ services }: ChaosSystem, number: number): RespawnedService {
  const worker = services.workers[(number - 1) % services.workers.length];
  if (worker === undefined) throw new Error('there are no workers');
  return worker;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
