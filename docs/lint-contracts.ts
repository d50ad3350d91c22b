#!/usr/bin/env -S npx node
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RulesetDefinition, Spectral } from '@stoplight/spectral-core';
import { asyncapi, oas } from '@stoplight/spectral-rulesets';
import { z } from 'zod';
import { createOpenapiDocument } from '../api/openapi/document.ts';

// Lints the OpenAPI document (Redocly's recommended rules, Spectral's set `oas`) and docs/asyncapi.yaml (Spectral's set
// `asyncapi`). Warnings fail, too.

/** Spectral's severities error and warning. The rest is advice, such as to use a newer version of AsyncAPI. */
const failing = new Set<number>([0, 1]);

const redoclyReport = z.object({
  problems: z.array(
    z.object({
      ruleId: z.string(),
      message: z.string(),
      location: z.array(z.object({ pointer: z.string().optional() })),
    }),
  ),
});

const openapi = JSON.stringify(createOpenapiDocument({ apiUrl: '', isProduction: false, maxFiles: 20 }));
const problems = [
  ...(await lintWithSpectral(openapi, oas as RulesetDefinition)),
  ...(await lintWithSpectral(
    readFileSync(join(import.meta.dirname, 'asyncapi.yaml'), 'utf8'),
    asyncapi as RulesetDefinition,
  )),
  ...lintWithRedocly(openapi),
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

async function lintWithSpectral(document: string, ruleset: RulesetDefinition): Promise<string[]> {
  const spectral = new Spectral();
  spectral.setRuleset(ruleset);
  const found = await spectral.run(document);
  return found
    .filter(({ severity }) => failing.has(severity))
    .map(({ code, path, message }) => `${path.join('.')}: ${message} (${code})`);
}

function lintWithRedocly(document: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'openapi-'));
  try {
    const file = join(folder, 'openapi.json');
    writeFileSync(file, document);
    const program = join(import.meta.dirname, '../node_modules/@redocly/cli/bin/cli.js');
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [program, 'lint', file, '--extends=recommended', '--format=json'],
      {
        encoding: 'utf8',
        env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
      },
    );
    const report = redoclyReport.safeParse(JSON.parse(stdout || '{}'));
    if (!report.success) return [`Redocly failed: ${stderr}`];
    return report.data.problems.map(
      ({ ruleId, message, location }) => `${location[0]?.pointer ?? ''}: ${message} (${ruleId})`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
