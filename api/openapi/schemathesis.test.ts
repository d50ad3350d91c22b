import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TOKEN } from '../../testing/api-client.ts';
import { urlOf } from '../../testing/pipeline-status/monitored-api.ts';
import { tempFolder } from '../../testing/temp-folder.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const run = promisify(execFile);
const VERSION = '4.32.5';

const program = await findSchemathesis();
const skipped = program === undefined ? ' (SKIPPED: no Python, or schemathesis cannot be installed)' : '';

describe.skipIf(program === undefined)(`the OpenAPI document and the API${skipped}`, () => {
  const system = setUpSystem();

  it('agree on which requests are valid and on every response', { timeout: 300_000 }, async () => {
    // No worker: the commands to kill one would kill this process.
    const monitoring = await system.startMonitoring();
    const api = await system.startApi({
      API_TOKEN: TOKEN,
      MONITORING_URL: urlOf(monitoring),
      RATE_LIMIT_PER_MINUTE: 0,
      WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 'secret').toString('base64')}`,
    });
    await using folder = await tempFolder();
    const options = [
      `--config-file=${join(import.meta.dirname, 'schemathesis.toml')}`,
      'run',
      `${api.url}/openapi.json`,
      '--checks=all',
      '--max-examples=20',
      '--seed=1',
      '--continue-on-failure',
      `--header=Authorization: Bearer ${TOKEN}`,
    ];
    const failed = await run(program ?? '', options, { cwd: folder.path }).then(
      () => '',
      (error: unknown) => JSON.stringify(error),
    );
    expect(failed).toBe('');
  });
});

/** The program, installed at the first run; undefined where it cannot be. */
async function findSchemathesis(): Promise<string | undefined> {
  const environment = join(import.meta.dirname, '../../node_modules/.cache', `schemathesis-${VERSION}`);
  const installed = join(environment, 'bin/schemathesis');
  try {
    if (!existsSync(installed)) {
      await run('python3', ['-m', 'venv', environment]);
      const pip = ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`];
      await run(join(environment, 'bin/python'), pip);
    }
    return installed;
  } catch {
    return undefined;
  }
}
