import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('followed logs are printed line by line, without control characters', () => {
  const script = `
    import { ComposeProject } from ${JSON.stringify(join(import.meta.dirname, 'compose-project.ts'))};
    await new ComposeProject(['printf'], '.').follow([${JSON.stringify(
      String.raw`worker | \033]0;title\007name\033[2J\nrabbitmq | \033[32mready\033[0m\n`,
    )}]);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script]);
  expect([stdout.toString(), stderr.toString()]).toEqual(['worker | name\nrabbitmq | ready\n', '']);
});
