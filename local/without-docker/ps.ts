import { styleText } from 'node:util';
import { runFolder } from '../pipeline/paths.ts';
import { runningSystem } from '../pipeline/running-system.ts';
import type { ServiceReport } from '../supervisor/report.ts';
import { duration } from '../terminal/duration.ts';
import { table } from '../terminal/table.ts';

const columns = [
  { title: 'SERVICE' },
  { title: 'STATE' },
  { title: 'PID', align: 'right' },
  { title: 'PORT', align: 'right' },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: '' },
] as const;

/** `make ps`: every process of the system and how it is. */
export async function ps(): Promise<void> {
  const { services } = await (await runningSystem(runFolder)).ps();
  const [title, ...lines] = table(columns, services.map(cells));
  console.log(title);
  for (const [i, line] of lines.entries()) {
    console.log(services[i]?.state === 'ready' ? line : styleText('yellow', line));
  }
}

function cells({ name, state, pid, port, uptimeSeconds, restarts, reason }: ServiceReport): string[] {
  return [
    name,
    state,
    pid === undefined ? '-' : String(pid),
    port === undefined ? '-' : String(port),
    uptimeSeconds === undefined ? '-' : duration(uptimeSeconds),
    String(restarts),
    reason ?? '',
  ];
}
