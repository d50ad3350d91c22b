import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const folder = join(import.meta.dirname, '../monitoring/prometheus');

const configSchema = z.looseObject({
  global: z.looseObject({ scrape_interval: z.string() }),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
});

const alertsSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});

const read = (name: string): unknown => parse(readFileSync(join(folder, name), 'utf8'));

export const prometheusConfig = () => configSchema.parse(read('prometheus.yml'));

/** All alerts. @throws ZodError if one lacks a required label or annotation */
export const alertRules = () => alertsSchema.parse(read('alerts.yml')).groups.flatMap(({ rules }) => rules);
