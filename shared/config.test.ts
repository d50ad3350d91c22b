import { describe, expect, it } from 'vitest';
import { commonVariables, refuseSamplePasswords } from './common-config.ts';
import { ConfigError, address, choice, readConfig, seconds, wholeNumber } from './config.ts';

const table = {
  PORT: wholeNumber({ min: 1, max: 65_535, default: 8000, description: 'the port' }),
  MODE: choice({ values: ['fast', 'slow'], default: 'fast', description: 'how' }),
  BROKER: address({ protocols: ['amqp', 'amqps'], default: 'amqp://localhost', description: 'where' }),
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('no problem was found');
}

describe('reading the configuration', () => {
  it('uses the default of a setting that is missing or empty', () => {
    expect(readConfig(table, { MODE: '' })).toEqual({ PORT: 8000, MODE: 'fast', BROKER: 'amqp://localhost' });
  });

  it('uses the values of the environment', () => {
    const env = { PORT: '81', MODE: 'slow', BROKER: 'amqps://user:pass@broker:5671/v', OTHER: 'x' };
    expect(readConfig(table, env)).toEqual({
      PORT: 81,
      MODE: 'slow',
      BROKER: 'amqps://user:pass@broker:5671/v',
    });
  });

  it('reports all problems at once, each with the variable, the form and an example', () => {
    expect(
      problemsOf(() => readConfig(table, { PORT: '70000', MODE: 'medium', BROKER: 'http://x' })),
    ).toEqual([
      'PORT is "70000", but must be a whole number from 1 to 65535, for example 8000',
      'MODE is "medium", but must be one of fast, slow, for example fast',
      'BROKER is "http://x", but must be a URL that starts with amqp:// or amqps://, for example amqp://localhost',
    ]);
  });

  it.each(['-1', '1.5', '0x10', ' 5', '1e3', 'NaN'])('rejects "%s" as a whole number', (given) => {
    expect(problemsOf(() => readConfig(table, { PORT: given }))).toHaveLength(1);
  });

  it('reports invalid combinations of values', () => {
    expect(problemsOf(() => readConfig(table, {}, () => ['PORT and MODE do not go together']))).toEqual([
      'PORT and MODE do not go together',
    ]);
  });
});

describe('the variables of every service', () => {
  it('have defaults that are allowed', () => {
    expect(readConfig(commonVariables, {})).toMatchObject({ STORE: 'minio', NODE_ENV: 'development' });
  });

  it('read retry delays', () => {
    const { RETRY_DELAYS } = readConfig(commonVariables, { RETRY_DELAYS: '50ms, 2s,3m' });
    expect(RETRY_DELAYS).toEqual([
      { label: '50ms', delayMs: 50 },
      { label: '2s', delayMs: 2_000 },
      { label: '3m', delayMs: 180_000 },
    ]);
  });

  it.each(['', '5', '5s,', '0s', '25h', 'soon'])('reject "%s" as retry delays', (given) => {
    const retryDelays = given === '' ? ',' : given;
    expect(problemsOf(() => readConfig(commonVariables, { RETRY_DELAYS: retryDelays }))[0]).toMatch(
      /^RETRY_DELAYS is /,
    );
  });

  it('reject the former names of settings', () => {
    const env = { RETRY_LADDER: '5s', WEBHOOK_RETRY_LADDER: '5s' };
    expect(problemsOf(() => readConfig(commonVariables, env))).toEqual([
      'RETRY_LADDER has been renamed to RETRY_DELAYS.',
      'WEBHOOK_RETRY_LADDER has been renamed to WEBHOOK_RETRY_DELAYS.',
    ]);
  });

  it('reject sample passwords in production, and only there', () => {
    const read = (env: Record<string, string>) => readConfig(commonVariables, env, refuseSamplePasswords);
    expect(problemsOf(() => read({ NODE_ENV: 'production' }))).toEqual([
      expect.stringContaining('RABBITMQ_URL'),
      expect.stringContaining('MINIO_SECRET_KEY'),
    ]);
    const real = {
      RABBITMQ_URL: 'amqp://app:5fa90c@rabbitmq',
      MINIO_SECRET_KEY: '0b1c44',
      NODE_ENV: 'production',
    };
    expect(read(real)).toMatchObject({ ...real, RABBITMQ_URL: [real.RABBITMQ_URL] });
    expect(read({})).toMatchObject({ NODE_ENV: 'development' });
  });
});

describe('a duration in seconds', () => {
  const table = { PAUSE: seconds({ min: 0.05, max: 60, default: 0.1, description: 'a pause' }) };

  it.each([
    ['0.25', 0.25],
    ['60', 60],
    ['', 0.1],
  ])('reads "%s"', (given, read) => {
    expect(readConfig(table, { PAUSE: given })).toEqual({ PAUSE: read });
  });

  it.each(['0.01', '61', '-1', '1e1', '5s'])('rejects "%s"', (given) => {
    expect(problemsOf(() => readConfig(table, { PAUSE: given }))).toEqual([
      `PAUSE is "${given}", but must be a number from 0.05 to 60 (seconds), for example 0.1`,
    ]);
  });
});
