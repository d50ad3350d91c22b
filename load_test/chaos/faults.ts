import { setTimeout as sleep } from 'node:timers/promises';
import type { RespawnedService } from '../../testing/respawned-service.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { decodersOf } from './processes.ts';

/** A fault that is injected into the system, and ended. Times in milliseconds. */
export type Fault =
  | { readonly kind: 'kill worker'; readonly worker: number }
  | { readonly kind: 'freeze worker'; readonly worker: number; readonly forMs: number }
  | { readonly kind: 'kill decoder' }
  | { readonly kind: 'kill api' }
  | { readonly kind: 'kill notification' }
  | { readonly kind: 'close connections' }
  | { readonly kind: 'cut connections' }
  | { readonly kind: 'half-open connections'; readonly forMs: number }
  | { readonly kind: 'restart broker' }
  | { readonly kind: 'kill broker' }
  | { readonly kind: 'memory alarm'; readonly forMs: number }
  | { readonly kind: 'store unavailable'; readonly forMs: number };

/** A fault and the time of its start after the first upload. */
export type ScheduledFault = Fault & { readonly atMs: number };

/** One line of a schedule. */
export function describeFault(fault: ScheduledFault): string {
  const which = 'worker' in fault ? ` ${fault.worker}` : '';
  const length = 'forMs' in fault ? ` for ${(fault.forMs / 1_000).toFixed(1)} s` : '';
  return `${(fault.atMs / 1_000).toFixed(1).padStart(6)} s  ${fault.kind}${which}${length}`;
}

/** Injects a fault and ends it. Does not wait for the system to recover. */
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
      if (decoder !== undefined) killIfRunning(decoder.pid);
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
    case 'store unavailable':
      await store.disconnect();
      await sleep(fault.forMs);
      await store.reconnect();
      return;
  }
}

/** @param number from 1; numbers above the number of workers start again at the first */
export function workerOf({ services }: ChaosSystem, number: number): RespawnedService {
  const worker = services.workers[(number - 1) % services.workers.length];
  if (worker === undefined) throw new Error('there are no workers');
  return worker;
}

function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The part of the system that a fault affects: its faults must not overlap. */
export function partOf(fault: Fault): string {
  switch (fault.kind) {
    case 'restart broker':
    case 'kill broker':
    case 'memory alarm':
    case 'close connections':
      return 'broker';
    case 'half-open connections':
    case 'cut connections':
      return 'network';
    case 'store unavailable':
      return 'store';
    case 'kill worker':
    case 'freeze worker':
      return `worker ${fault.worker}`;
    case 'kill api':
    case 'kill notification':
    case 'kill decoder':
      return fault.kind;
  }
}
