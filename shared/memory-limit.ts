import { totalmem } from 'node:os';

/** The memory that a process may use. */
export interface MemoryLimit {
  /** bytes */
  readonly bytes: number;
  /** Whether the process is killed above it: the limit of a container. Otherwise, it is the memory of the machine. */
  readonly isEnforced: boolean;
}

export function memoryLimit(): MemoryLimit {
  // cgroup v2 or v1; 0 or far more than the machine has if there is no limit.
  const constrained = process.constrainedMemory();
  const isEnforced = constrained > 0 && constrained < totalmem();
  return { bytes: isEnforced ? constrained : totalmem(), isEnforced };
}
