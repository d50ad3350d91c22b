import { portOf, type SystemReport } from '../supervisor/report.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';

/** Every address of a running system, a line each. */
export function whereToLook(report: SystemReport, run: RunFolder): string[] {
  const api = `http://localhost:${portOf(report, 'api')}`;
  const notification = `ws://localhost:${portOf(report, 'notification')}/ws`;
  const monitoring = `http://localhost:${portOf(report, 'monitoring')}/status`;
  const rabbitmq = `http://localhost:${report.broker?.managementPort ?? 15_672}`;
  const prometheus = report.services.find(({ name }) => name === 'prometheus')?.port;
  return [
    `  API            ${api}`,
    `  API docs       ${api}/docs`,
    `  Notifications  ${notification}`,
    `  Monitoring     ${monitoring}  (make monitor)`,
    `  RabbitMQ       ${rabbitmq}  (guest / guest)`,
    ...(prometheus === undefined ? [] : [`  Prometheus     http://localhost:${prometheus}`]),
    `  Images         ${report.store ?? run.store}`,
  ];
}
