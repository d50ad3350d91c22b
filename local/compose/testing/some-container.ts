import type { Container } from '../container.ts';

export function someContainer(service: string, changes: Partial<Container> = {}): Container {
  const number = changes.number ?? 1;
  return {
    id: `${service}-${number}`,
    name: `x_${service}_${number}`,
    service,
    number,
    state: 'ready',
    isDone: false,
    exitCode: 0,
    outOfMemory: false,
    restarts: 0,
    pid: 7,
    startedAt: new Date(0),
    ports: new Map(),
    environment: [],
    ...changes,
  };
}
