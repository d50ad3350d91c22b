import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PROJECT } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';

const SPIN_S = 20;
/** Docker waits 0.1 s, 0.2 s, … between restarts. */
const MAX_RESTARTS = 8;

interface FailingRun {
  /** `-e NAME=value`, and the service that is run with it. */
  readonly settings: string;
  readonly service?: string;
  readonly seconds: number;
  readonly expected: RegExp;
  readonly code?: number;
}

const failsWith = (
  title: string,
  { settings, service = 'worker', seconds, expected, code }: FailingRun,
): Step => ({
  title,
  run: async (stack) => {
    const { all, exitCode } = await stack.tryLine(
      `timeout -k 5 ${seconds} docker-compose run --rm -T --no-deps ${settings} ${service}`,
    );
    const line = all.split('\n').find((text) => expected.test(text));
    if (line === undefined) throw new Error(all);
    if (code !== undefined) expectThat(exitCode === code, `exit code ${exitCode ?? 'none'}`);
    return line.trim();
  },
});

/** What cannot work fails with a message that says why. */
export const badInput: readonly Step[] = [
  failsWith('sample secrets in production', {
    settings: '-e NODE_ENV=production -e RABBITMQ_URL=amqp://worker:worker@rabbitmq',
    seconds: 30,
    expected: /RABBITMQ_URL has a sample password/,
    code: 78,
  }),
  failsWith("RabbitMQ's sample passwords in production", {
    settings: '-e NODE_ENV=production',
    service: 'rabbitmq',
    seconds: 30,
    expected: /RABBITMQ_PASSWORD is a sample password/,
    code: 78,
  }),
  failsWith('the sample password of monitoring in production', {
    settings: '-e NODE_ENV=production -e RABBITMQ_MANAGEMENT_PASSWORD=monitoring',
    service: 'monitoring',
    seconds: 30,
    expected: /RABBITMQ_MANAGEMENT_PASSWORD is a sample password.*RABBITMQ_MONITORING_PASSWORD/,
    code: 78,
  }),
  failsWith("the sample password of MinIO's administrator in production", {
    settings: '-e NODE_ENV=production',
    service: 'minio-setup',
    seconds: 30,
    expected: /MINIO_SECRET_KEY is a sample password/,
    code: 78,
  }),
  failsWith('a name that a user of RabbitMQ cannot have', {
    settings: `-e 'RABBITMQ_USER=a"b'`,
    service: 'rabbitmq',
    seconds: 30,
    expected: /RABBITMQ_USER may have letters/,
    code: 78,
  }),
  failsWith("a password that would break RabbitMQ's address", {
    settings: `-e 'RABBITMQ_PASSWORD=a@b/c'`,
    service: 'rabbitmq',
    seconds: 30,
    expected: /^RABBITMQ_PASSWORD may have letters.* only$/,
    code: 78,
  }),
  failsWith('a broker that cannot be reached', {
    settings: '-e RABBITMQ_URL=amqp://guest:guest@nowhere:5672',
    seconds: 15,
    expected: /cannot connect to RabbitMQ/,
  }),
  failsWith('a store that cannot be reached', {
    settings: '-e MINIO_ENDPOINT=http://nowhere:9000',
    seconds: 15,
    expected: /the store is unavailable/,
  }),
  failsWith('a wrong password of the store', {
    settings: '-e MINIO_SECRET_KEY=wrong-password',
    seconds: 30,
    expected: /MINIO_SECRET_KEY/,
    code: 78,
  }),
  {
    title: 'an invalid configuration does not restart in a loop',
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
        expectThat(restarts > 0 && restarts <= MAX_RESTARTS, `${restarts} restarts in ${SPIN_S} s`);
        return `${restarts} restarts in ${SPIN_S} s`;
      } finally {
        await stack.project.docker(['rm', '-f', name]);
      }
    },
  },
  {
    title: 'too little memory: make up says so, and how to change it',
    run: async (stack) => {
      const override = join(stack.folder, 'docker-compose.override.yml');
      await writeFile(override, 'services: { notification: { mem_limit: 24m, memswap_limit: 24m } }\n');
      try {
        const { all, exitCode } = await stack.tryLine('make up');
        expectThat(exitCode !== 0, 'make up did not fail');
        const line = all.split('\n').find((text) => text.includes('needs more memory than its mem_limit'));
        if (line === undefined) throw new Error(all);
        return line.trim();
      } finally {
        await rm(override);
        await stack.tryLine('docker-compose up -d');
        await stack.untilReady();
      }
    },
  },
  {
    title: 'a port in use: make up says which, and what to do',
    run: async (stack) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      try {
        const { all, exitCode } = await stack.tryLine('make up', { API_PORT: String(port) });
        expectThat(exitCode !== 0, 'make up did not fail');
        const line = all.split('\n').find((text) => text.includes('is already in use'));
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
