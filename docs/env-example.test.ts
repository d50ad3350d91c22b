import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { envExample, variableSections } from './env-example.ts';

const written = () => readFile(join(import.meta.dirname, '..', '.env.example'), 'utf8');

describe('.env.example', () => {
  it('is what the services’ own tables say (npm run docs)', async () => {
    expect(await written()).toBe(envExample());
  });

  it('has every variable of every service once', async () => {
    const text = await written();
    const names = new Set(variableSections.flatMap(({ variables }) => Object.keys(variables)));
    for (const name of names) expect(text.match(new RegExp(`^(# )?${name}=`, 'gm')), name).toHaveLength(1);
  });

  it('says where Compose has a default of its own, and what Compose decides itself', async () => {
    const text = await written();
    expect(text).toMatch(/\(MiB\); with Compose by default 768\n# JOB_MEMORY_MIB=1024\n/);
    expect(text).toMatch(/; with Compose made of RABBITMQ_USER and RABBITMQ_PASSWORD\n# RABBITMQ_URL=/);
  });
});
