import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../docker/rabbitmq/start.sh');

/** Both users have the same name, which is checked last, so nothing is started or written. */
const start = (env: Readonly<Record<string, string>>) =>
  execa('bash', [SCRIPT], {
    env: {
      RABBITMQ_USER: 'app',
      RABBITMQ_PASSWORD: 'aZ09._~-',
      RABBITMQ_MONITORING_USER: 'app',
      RABBITMQ_MONITORING_PASSWORD: 'aZ09._~-',
      ...env,
    },
    reject: false,
    all: true,
  });

test.each(['RABBITMQ_PASSWORD', 'RABBITMQ_MONITORING_PASSWORD'])(
  'RabbitMQ does not start with a %s that is not allowed in a URL, and does not log it',
  async (name) => {
    for (const password of ['se@cret', '12/34', 'se#cret', 'se:cret', 'se%cret', 'se cret', '']) {
      const { exitCode, all } = await start({ [name]: password });
      expect({ exitCode, all }).toEqual({
        exitCode: 78,
        all: `${name} may have letters, digits, . _ ~ and - only`,
      });
    }
  },
);

test('passwords that are allowed in a URL are accepted', async () => {
  const { exitCode, all } = await start({});
  expect(all).toBe('RABBITMQ_MONITORING_USER is RABBITMQ_USER: give monitoring a user of its own');
  expect(exitCode).toBe(78);
});
