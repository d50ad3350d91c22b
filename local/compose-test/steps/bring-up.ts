import { expectThat } from '../expect.ts';
import { PROJECT } from '../stack.ts';
import type { Step } from '../step.ts';

const SERVICES = [
  'api',
  'grafana',
  'minio',
  'monitoring',
  'notification',
  'prometheus',
  'rabbitmq',
  'worker',
  'worker',
];
/** From built images to everything ready, and the demo through. */
const WITHIN_S = 90;

export const build: Step = {
  title: 'docker-compose build',
  essential: true,
  run: async (stack) => {
    await stack.line('docker-compose build');
    const sizes = await stack.line(
      `docker images --format '{{.Repository}} {{.Size}}' | grep -E '^${PROJECT}[-_]|^node ' | sort -u`,
    );
    return sizes.trim().split('\n').join(', ');
  },
};

/** From a fresh clone to a system that works. */
export const bringUp: readonly Step[] = [
  build,
  {
    title: 'docker-compose up -d',
    essential: true,
    run: async (stack) => {
      stack.startedAt = performance.now();
      await stack.line('docker-compose up -d');
      const services = (await stack.untilReady()).map(({ service }) => service);
      expectThat(services.join() === SERVICES.join(), `there are ${services.join(', ')}`);
      return 'all healthy';
    },
  },
  {
    title: 'docker-compose ps',
    run: async (stack) => {
      const shown = await stack.line('docker-compose ps');
      expectThat((shown.match(/\(healthy\)/g) ?? []).length === SERVICES.length, shown);
      return undefined;
    },
  },
  {
    title: 'make demo',
    run: async (stack) => {
      const shown = await stack.line('make demo');
      const seconds = (performance.now() - stack.startedAt) / 1_000;
      expectThat(seconds < WITHIN_S, `it took ${seconds.toFixed(0)} s from docker-compose up to its end`);
      const last = shown.trim().split('\n').at(-1) ?? '';
      return `${last} ${seconds.toFixed(0)} s after docker-compose up`;
    },
  },
  {
    title: 'the pages: API, API docs, RabbitMQ (guest/guest), MinIO, Prometheus, Grafana',
    run: async () => {
      const guest = { Authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` };
      for (const [page, headers] of [
        ['http://localhost:8000', {}],
        ['http://localhost:8000/docs', {}],
        ['http://localhost:15672/api/overview', guest],
        ['http://localhost:9001', {}],
        ['http://localhost:9090/-/ready', {}],
        ['http://localhost:3000/api/health', {}],
      ] as const) {
        const { status } = await fetch(page, { headers });
        expectThat(status === 200, `${page} answers ${status}`);
      }
      return undefined;
    },
  },
];
