import { ConfigError } from '@image-pipeline/shared/config.ts';
import { describe, expect, it } from 'vitest';
import { readApiConfig } from './config.ts';

function problems(env: Record<string, string>): readonly string[] {
  try {
    readApiConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration of the API', () => {
  it('has defaults for everything', () => {
    expect(readApiConfig({})).toMatchObject({
      LISTEN_HOST: '127.0.0.1',
      API_PORT: 8000,
      API_TOKEN: '',
      MAX_FILE_BYTES: 10_485_760,
      MAX_FILES: 20,
    });
  });

  it('accepts public URLs with or without a trailing slash', () => {
    const config = readApiConfig({
      PUBLIC_API_URL: 'https://a.example/api/',
      PUBLIC_NOTIFICATION_URL: 'wss://b',
    });
    expect(config).toMatchObject({
      PUBLIC_API_URL: 'https://a.example/api',
      PUBLIC_NOTIFICATION_URL: 'wss://b',
    });
  });

  it('reports every invalid variable', () => {
    const found = problems({ API_PORT: '70000', MAX_FILES: '0', PUBLIC_API_URL: 'a.example' });
    expect(found.map((problem) => problem.split(' ')[0])).toEqual([
      'API_PORT',
      'PUBLIC_API_URL',
      'MAX_FILES',
    ]);
  });

  it('is refused in production with sample passwords, and without a token', () => {
    expect(problems({ NODE_ENV: 'production' }).map((problem) => problem.split(' ')[0])).toEqual([
      'RABBITMQ_URL',
      'MINIO_SECRET_KEY',
      'API_TOKEN',
    ]);
  });
});
