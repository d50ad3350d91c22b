import type { RunningSystem } from '../runtime/runtime.ts';
import { UserError } from '../user-error.ts';
import { workersOf, type Container } from './container.ts';

/** The service of each page, and its port in the container. */
const PAGES = [
  { title: 'Page and API', service: 'api', port: 8000, path: '', scheme: 'http' },
  { title: 'API docs', service: 'api', port: 8000, path: '/docs', scheme: 'http' },
  { title: 'Notifications', service: 'notification', port: 8001, path: '/ws', scheme: 'ws' },
  { title: 'Monitoring', service: 'monitoring', port: 8002, path: '/status', scheme: 'http' },
  { title: 'RabbitMQ', service: 'rabbitmq', port: 15_672, path: '', scheme: 'http' },
  { title: 'MinIO', service: 'minio', port: 9001, path: '', scheme: 'http' },
  { title: 'Prometheus', service: 'prometheus', port: 9090, path: '', scheme: 'http' },
  { title: 'Grafana', service: 'grafana', port: 3000, path: '', scheme: 'http' },
] as const;

/** @throws UserError if the API has no port on this machine */
export function systemOf(containers: readonly Container[]): RunningSystem {
  const portOf = (service: string, inside: number) =>
    containers.find((container) => container.service === service)?.ports.get(inside);
  const api = portOf('api', 8000);
  if (api === undefined) throw new UserError('The API is not running. See: make ps, make logs SERVICE=api');
  const monitoring = portOf('monitoring', 8002);
  return {
    apiUrl: `http://localhost:${api}`,
    monitoringUrl: monitoring === undefined ? undefined : `http://localhost:${monitoring}`,
    readyWorkers: workersOf(containers).filter(({ state }) => state === 'ready').length,
    addressLines: PAGES.flatMap(({ title, service, port, path, scheme }) => {
      const outside = portOf(service, port);
      return outside === undefined
        ? []
        : [`  ${title.padEnd(14)} ${scheme}://localhost:${outside}${path}${LOGINS[title] ?? ''}`];
    }),
  };
}

const LOGINS: Readonly<Record<string, string>> = {
  RabbitMQ: '  (guest / guest, or RABBITMQ_USER and RABBITMQ_PASSWORD in .env)',
  MinIO: '  (minioadmin / minioadmin, or MINIO_ACCESS_KEY and MINIO_SECRET_KEY in .env)',
  Grafana: '  (view without login; to edit: admin / GRAFANA_PASSWORD in .env, default admin)',
};
