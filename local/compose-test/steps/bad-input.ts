import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expectThat } from '../expect.ts';
import { PROJECT } from '../stack.ts';
import type { Step } from '../step.ts';

const SPIN_S = 20;
/** 0.1 s, 0.2 s, … between the starts, and what each start takes. */
const FEW = 8;

const tells = (title: string, settings: string, seconds: number, expected: RegExp, code?: number): Step => ({
  title,
  run: async (stack) => {
    const { all, exitCode } = await stack.tryLine(
      `timeout -k 5 ${seconds} docker-compose run --rm -T --no-deps ${settings} worker`,
    );
    const line = all.split('\n').find((text) => expected.test(text));
    if (line === undefined) throw new Error(all);
    if (code !== undefined) expectThat(exitCode === code, `exit code ${exitCode ?? 'none'}`);
    return line.trim();
  },
});

/** What cannot work says so. */
export const badInput: readonly Step[] = [
  tells(
    'sample secrets in production',
    '-e NODE_ENV=production',
    30,
    /RABBITMQ_URL has a sample password/,
    78,
  ),
  tells(
    'a broker that cannot be reached',
    '-e RABBITMQ_URL=amqp://guest:guest@nowhere:5672',
    15,
    /cannot reach RabbitMQ/,
  ),
  tells('a store that cannot be reached', '-e MINIO_ENDPOINT=http://nowhere:9000', 15, /the store is away/),
  tells('a wrong password of the store', '-e MINIO_SECRET_KEY=wrong-password', 30, /MINIO_SECRET_KEY/, 78),
  {
    title: 'a configuration that cannot work does not spin',
    run: async (stack) => {
      const [worker] = await stack.containers('worker');
      const image = (await stack.project.docker(['inspect', '-f', '{{.Image}}', worker?.id ?? ''])).trim();
      const name = `${PROJECT}-spin`;
      await stack.line(
        `docker run -d --name ${name} --restart unless-stopped -e NODE_ENV=production ${image}`,
      );
      try {
        await delay(SPIN_S * 1_000);
        const restarts = Number(await stack.project.docker(['inspect', '-f', '{{.RestartCount}}', name]));
        expectThat(restarts > 0 && restarts <= FEW, `${restarts} restarts in ${SPIN_S} s`);
        return `${restarts} restarts in ${SPIN_S} s, ever slower`;
      } finally {
        await stack.project.docker(['rm', '-f', name]);
      }
    },
  },
  {
    title: 'a taken port: make up says which, and what to do',
    run: async (stack) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      try {
        const { all, exitCode } = await stack.tryLine('make up', { API_PORT: String(port) });
        expectThat(exitCode !== 0, 'make up went well');
        const line = all.split('\n').find((text) => text.includes('is taken by another program'));
        if (line?.includes('API_PORT') !== true) throw new Error(all);
        return line.trim();
      } finally {
        server.close();
        await stack.tryLine('docker-compose up -d');
        await stack.untilReady();
      }
    },
  },
];
