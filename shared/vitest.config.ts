import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'shared',
    globalSetup: [join(import.meta.dirname, '../local/testing/global-setup-minio.ts')],
  },
});
