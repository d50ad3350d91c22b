import { styleText } from 'node:util';
import { duration } from '../terminal/duration.ts';
import { table } from '../terminal/table.ts';
import type { Container } from './container.ts';

const columns = [
  { title: 'SERVICE' },
  { title: 'STATE' },
  { title: 'PORTS' },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'CONTAINER' },
] as const;

/** `make ps`: every container and how it is. */
export function printContainers(containers: readonly Container[]): void {
  const [title, ...lines] = table(columns, containers.map(cells));
  console.log(title);
  for (const [i, line] of lines.entries()) {
    console.log(containers[i]?.state === 'ready' ? line : styleText('yellow', line));
  }
}

function cells({ name, service, state, exitCode, ports, startedAt, restarts, pid }: Container): string[] {
  return [
    service,
    state === 'failed' || state === 'restarting' ? `${state} (exit code ${exitCode})` : state,
    [...new Set(ports.values())].join(', ') || '-',
    pid === 0 ? '-' : duration((Date.now() - startedAt.getTime()) / 1_000),
    String(restarts),
    name,
  ];
}
