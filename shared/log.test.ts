import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** What a process prints that logs with this format. */
function printed(format: 'json' | 'pretty', statement: string): string {
  const script = `
    import { createLogger } from '${join(import.meta.dirname, 'log.ts')}';
    const log = createLogger('api', { format: '${format}', level: 'info' });
    ${statement}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script]);
  expect(stderr.toString()).toBe('');
  return stdout.toString();
}

const TEXT = String.raw`'\u001b[2J\u202e\u009b' + 'x'.repeat(15_000)`;

it.each([
  ['a message', `log.info(${TEXT});`],
  ['a value', `log.warn({ path: ${TEXT} }, 'refused');`],
  ['an error', `log.error({ err: new Error(${TEXT}) }, 'failed');`],
  ['a value of a child', `log.child({ job_id: 'a' }).info({ name: ${TEXT} }, ${TEXT});`],
])('%s that a caller chose has a bounded length and no control characters', (_what, statement) => {
  for (const format of ['json', 'pretty'] as const) {
    const output = printed(format, statement);
    expect(output).toContain('[2J');
    expect(output.length).toBeLessThan(6_000);
    expect(output).not.toMatch(/[^\P{Cc}\n]|\u202e|\\u001b|\\u202e/u);
  }
});
