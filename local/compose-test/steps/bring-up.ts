import { root } from '../../pipeline/paths.ts';
import { imageSize } from '../image-size.ts';
import { PROJECT, type Stack } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';

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
/** Maximum time from docker-compose up to the end of the demo. */
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

const OURS = ['api', 'worker', 'notification', 'monitoring'] as const;
/** Maximum size of the image of the API, relative to its base image and production packages. */
const MAX_TIMES = 1.3;
const MEGABYTE = 1_000_000;

async function sizeOf(stack: Stack, service: string) {
  const [container] = await stack.containers(service);
  if (container === undefined) throw new Error(`there is no ${service}`);
  const image = await stack.project.docker(['inspect', '--format', '{{.Image}}', container.id]);
  const format = '{{.Size}} {{.CreatedBy}}';
  return imageSize(
    await stack.project.docker(['history', '--no-trunc', '--human=false', '--format', format, image.trim()]),
  );
}

/** Size in bytes of the packages that the API needs, as listed by npm. */
async function productionPackages(stack: Stack): Promise<number> {
  const written = await stack.line(
    // Not in the clone, where node_modules is a link.
    `cd '${root}' && npm ls --omit=dev --all --parseable --workspace=shared --workspace=api 2>/dev/null \
      | grep /node_modules/ | sort -u | tr '\\n' '\\0' | du -sbc --files0-from=- | tail -1`,
  );
  return Number.parseInt(written, 10);
}

/** From a fresh clone to a working system. */
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
      const [summary] = /^All \d+ images .*$/m.exec(shown) ?? [];
      expectThat(summary !== undefined, shown);
      return `${summary} ${seconds.toFixed(0)} s after docker-compose up`;
    },
  },
  {
    title: `the images: api at most ${MAX_TIMES} × Node and its production packages`,
    run: async (stack) => {
      const sizes = await Promise.all(
        OURS.map(async (service) => ({ service, ...(await sizeOf(stack, service)) })),
      );
      const shown = sizes
        .map(({ service, total }) => `${service} ${(total / MEGABYTE).toFixed(0)} MB`)
        .join(', ');
      const api = sizes.find(({ service }) => service === 'api');
      const needed = (api?.base ?? 0) + (await productionPackages(stack));
      const note = `${shown}; needed by api ${(needed / MEGABYTE).toFixed(0)} MB`;
      expectThat((api?.total ?? Infinity) <= MAX_TIMES * needed, note);
      return note;
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
        expectThat(status === 200, `${page} returned ${status}`);
      }
      return undefined;
    },
  },
];
