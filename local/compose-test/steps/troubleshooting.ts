import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acceptedJobId } from '../../pipeline/api-client.ts';
import type { Stack } from '../stack.ts';
import { expectThat, skipped, type Step } from '../step.ts';

const JOB_MS = 60_000;
/** The API may still be reconnecting when its health check passes, and responds with 503. */
const CONNECTED_MS = 30_000;

async function oneMoreImage(stack: Stack): Promise<void> {
  const upload = () => stack.api.upload(join(stack.folder, 'test_images/palette.png'), 'resize:20x20');
  const deadline = performance.now() + CONNECTED_MS;
  let response = await upload();
  while (response.status === 503 && performance.now() < deadline) {
    await delay(500);
    response = await upload();
  }
  expectThat(response.status === 202, `the upload returned ${response.status}`);
  const { status } = await stack.api.untilEnded(acceptedJobId(response) ?? '', JOB_MS);
  expectThat(status === 'completed', `a job is ${status}`);
}

const lineShows = (line: string, expected: RegExp): Step => ({
  title: line,
  run: async (stack) => {
    const shown = await stack.line(line);
    expectThat(expected.test(shown), shown);
    return undefined;
  },
});

/** Troubleshooting with Compose, and the commands of the Makefile. */
export const troubleshooting: readonly Step[] = [
  {
    title: 'docker-compose logs rabbitmq',
    run: async (stack) => {
      const shown = await stack.line('docker-compose logs rabbitmq');
      expectThat(/started/i.test(shown), 'the log does not say that it started');
      return undefined;
    },
  },
  {
    title: 'docker-compose restart rabbitmq',
    run: async (stack) => {
      await stack.line('docker-compose restart rabbitmq');
      await stack.untilReady();
      await oneMoreImage(stack);
      return 'all healthy again, and an image goes through';
    },
  },
  {
    title: 'docker-compose logs worker: its connections to RabbitMQ and MinIO',
    run: async (stack) => {
      const shown = await stack.line('docker-compose logs worker');
      expectThat(/connected to RabbitMQ.*"node":"rabbitmq"/.test(shown), 'no line of RabbitMQ');
      expectThat(/the store is ready.*minio:9000/.test(shown), 'no line of the store');
      return undefined;
    },
  },
  skipped('docker system prune -a, docker volume prune', 'they would remove data of others'),
  lineShows('make ps', /worker +ready/),
  lineShows('make doctor', /^ok {4}Docker /m),
  lineShows('make scale N=2', /Running 2 workers/),
  lineShows('make stop-worker', /Stopped .*worker.2/),
  lineShows('make start-worker', /Started .*worker.2/),
  lineShows('make upload FILE=test_images/photo.png OPS=resize', /"status": "queued"/),
  {
    title: 'make status ID=…',
    run: async (stack) => {
      const shown = await stack.line(`make status ID=${stack.completedJob}`);
      expectThat(shown.includes('"status": "completed"'), shown);
      return undefined;
    },
  },
  lineShows('timeout 15 make logs SERVICE=worker || true', /ready for jobs/),
];
