import { ConfigError } from '@image-pipeline/shared/config.ts';
import { describe, expect, it } from 'vitest';
import { readMonitoringConfig } from './config.ts';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readMonitoringConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
};

describe('the configuration', () => {
  it('has defaults for everything', () => {
    expect(readMonitoringConfig({})).toMatchObject({
      MONITORING_PORT: 8002,
      STATUS_UPDATE_INTERVAL: 1,
      RABBITMQ_MANAGEMENT_USER: 'guest',
      UPSTREAM_MAX_CONCURRENT: 3,
      UPSTREAM_MIN_INTERVAL: 0.1,
    });
  });

  it('rejects an invalid interval', () => {
    expect(problemsOf({ STATUS_UPDATE_INTERVAL: '0.5' })).toEqual([
      'STATUS_UPDATE_INTERVAL is "0.5", but must be a number from 1 to 3600 (seconds), for example 1',
    ]);
  });

  it('rejects sample passwords in production, including that of the management API', () => {
    const problems = problemsOf({ NODE_ENV: 'production' }).join('\n');
    expect(problems).toContain('RABBITMQ_MANAGEMENT_PASSWORD is a sample password');
    expect(problems).toContain('API_TOKEN is not set');
  });
});
