import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), dev: z.boolean().optional() })),
});

it('production has no package of OpenTelemetry but its API and context manager', async () => {
  const text = await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8');
  const { packages } = lockSchema.parse(JSON.parse(text));
  const installed = Object.entries(packages).filter(([path]) => path.includes('@opentelemetry/'));
  const inProduction = installed.filter(([, { dev }]) => dev !== true).map(([path]) => path);
  expect(inProduction).toEqual([
    'node_modules/@opentelemetry/api',
    'node_modules/@opentelemetry/context-async-hooks',
  ]);
});
