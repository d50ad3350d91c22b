import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMetrics } from '@image-pipeline/shared/metrics.ts';
import { execa } from 'execa';
import { expect, inject, test } from 'vitest';
import { alertRules } from '../../testing/prometheus-files.ts';

const programs = inject('prometheus');
const promtool = async (args: readonly string[], options: { input?: string } = {}) =>
  execa(programs?.promtool ?? '', args, { ...options, cwd: import.meta.dirname, all: true, reject: false });

test.skipIf(programs === null).each([
  ['the configuration and its rules are valid', ['check', 'config', 'prometheus.yml']],
  ['each alert fires when it should, and not when it should not', ['test', 'rules', 'alerts.test.yml']],
])('%s', async (_title, args) => {
  const { exitCode, all } = await promtool(args);
  expect(exitCode, all).toBe(0);
});

test.skipIf(programs === null).each(['api', 'worker', 'notification', 'monitoring'])(
  'the metrics of the %s follow the conventions of Prometheus',
  async (service) => {
    const input = await createMetrics(service).render();
    const { exitCode, all } = await promtool(['check', 'metrics'], { input });
    expect(exitCode, all).toBe(0);
  },
);

test('every alert has a test in alerts.test.yml', async () => {
  const tests = await readFile(join(import.meta.dirname, 'alerts.test.yml'), 'utf8');
  for (const { alert } of alertRules()) expect(tests).toContain(`alertname: ${alert}\n`);
});

test('the runbook has one section for each alert', async () => {
  const runbook = await readFile(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) => title);
  const rules = alertRules();
  expect(sections.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations } of rules)
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
});

test('every make command in the runbook exists', async () => {
  const root = join(import.meta.dirname, '../..');
  const runbook = await readFile(join(root, 'docs/runbook.md'), 'utf8');
  const makefile = await readFile(join(root, 'Makefile'), 'utf8');
  for (const [, target = ''] of runbook.matchAll(/`make ([a-z-]+)/g))
    expect(makefile).toMatch(new RegExp(`^${target}: `, 'm'));
});
