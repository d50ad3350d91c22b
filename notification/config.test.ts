import { ConfigError } from '@image-pipeline/shared/config.ts';
import { describe, expect, it } from 'vitest';
import { readNotificationConfig } from './config.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readNotificationConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
};

describe('the configuration', () => {
  it('needs no settings', () => {
    expect(readNotificationConfig({})).toMatchObject({
      LISTEN_HOST: '127.0.0.1',
      NOTIFICATION_PORT: 8001,
      WEBSOCKET_ORIGINS: [],
      WEBSOCKET_MAX_CONNECTIONS: 2_000,
      WEBHOOK_TIMEOUT_MS: 10_000,
    });
  });

  it('accepts a list of origins', () => {
    const origins = ' https://images.example.org,http://localhost:8000 ';
    expect(readNotificationConfig({ WEBSOCKET_ORIGINS: origins }).WEBSOCKET_ORIGINS).toEqual([
      'https://images.example.org',
      'http://localhost:8000',
    ]);
  });

  it('reports all problems at once', () => {
    const problems = problemsOf({
      WEBSOCKET_ORIGINS: 'https://images.example.org/',
      NOTIFICATION_PORT: 'http',
      WEBHOOK_TIMEOUT_MS: '5',
    });
    expect(problems.map((problem) => problem.split(' ')[0]).toSorted()).toEqual([
      'NOTIFICATION_PORT',
      'WEBHOOK_TIMEOUT_MS',
      'WEBSOCKET_ORIGINS',
    ]);
  });

  it('refuses sample passwords and a weak token in production', () => {
    const problems = problemsOf({ NODE_ENV: 'production', API_TOKEN: 'change-me-please-now' });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'RABBITMQ_URL',
      'MINIO_SECRET_KEY',
      'API_TOKEN',
    ]);
  });
});
