import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { envExample, variableTables } from './env-example.ts';

const written = () => readFile(join(import.meta.dirname, '..', '.env.example'), 'utf8');

describe('.env.example', () => {
  it('is generated from the tables of settings (npm run docs)', async () => {
    expect(await written()).toBe(envExample());
  });

  it('contains every setting of every service once', async () => {
    const text = await written();
    const names = new Set(variableTables.flatMap((table) => Object.keys(table)));
    for (const name of names) expect(text.match(new RegExp(`^(# )?${name}=`, 'gm')), name).toHaveLength(1);
  });

  it('says where Compose has another default or sets the value itself', async () => {
    const text = await written();
    expect(text).toMatch(/; with Compose: 2\n# MAX_CONCURRENT_JOBS=\n/);
    expect(text).toMatch(
      /; with Compose: built from RABBITMQ_API_PASSWORD, RABBITMQ_WORKER_PASSWORD, …\n# RABBITMQ_URL=/,
    );
  });
});
