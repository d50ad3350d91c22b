import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Most files wait for others more than they compute; vitest's own choice on two cores is one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      'shared',
      'api',
      'worker',
      'notification',
      'monitoring',
      'local',
      'test_images',
      'load_test',
      'docs',
      'testing',
    ].map((name) => ({
      test: {
        name,
        root: `./${name}`,
        include: ['**/*.test.ts'],
        testTimeout: 30_000,
        hookTimeout: 60_000,
      },
    })),
    // CI asks for a report besides, and prints the counts from it.
    reporters: process.env['VITEST_REPORT'] === undefined ? ['default'] : ['default', 'json'],
    ...(process.env['VITEST_REPORT'] && { outputFile: { json: process.env['VITEST_REPORT'] } }),
    // One RabbitMQ and one MinIO for the whole run; each test file takes a vhost and a bucket of its own.
    globalSetup: [
      './testing/global-setup/temp-folder.ts',
      './testing/global-setup/broker.ts',
      './testing/global-setup/minio.ts',
      './testing/global-setup/prometheus.ts',
      './testing/global-setup/k6.ts',
      './testing/global-setup/chromium.ts',
    ],
  },
});
