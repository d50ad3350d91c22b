import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { permissionsFile, permissionsOfServices } from '@image-pipeline/shared/broker/permissions.ts';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const PASSWORDS = [
  'RABBITMQ_PASSWORD',
  ...Object.keys(permissionsOfServices).map((service) => `RABBITMQ_${service.toUpperCase()}_PASSWORD`),
];
const SCRIPT = join(import.meta.dirname, '../../docker/rabbitmq/start.sh');

/** The administrator has the name of a service, which is checked last, so nothing is started or written. */
const start = (env: Readonly<Record<string, string>>) =>
  execa('bash', [SCRIPT], {
    env: {
      NODE_ENV: 'development',
      RABBITMQ_USER: 'api',
      ...Object.fromEntries(PASSWORDS.map((name) => [name, 'aZ09._~-'])),
      ...env,
    },
    reject: false,
    all: true,
  });

test.each(PASSWORDS)(
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
  expect(all).toBe('RABBITMQ_USER is api, which is the user of a service: choose another name');
  expect(exitCode).toBe(78);
});

test.each(PASSWORDS)('RabbitMQ does not start in production with the sample password of %s', async (name) => {
  for (const password of ['guest', ...Object.keys(permissionsOfServices)]) {
    const { exitCode, all } = await start({ NODE_ENV: 'production', [name]: password });
    expect({ exitCode, all }).toEqual({
      exitCode: 78,
      all: `${name} is a sample password, which NODE_ENV=production does not allow. Set another one`,
    });
  }
});

test('the permissions of the services are those of permissions.ts (npm run docs)', async () => {
  const file = join(import.meta.dirname, '../../docker/rabbitmq/permissions.json');
  expect(await readFile(file, 'utf8')).toBe(permissionsFile());
});
