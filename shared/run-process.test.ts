import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Runs a service whose `start` and `stop` are these function bodies, in a process of its own. */
function run(start: string, stop: string) {
  const script = `
    import { runProcess } from ${JSON.stringify(join(import.meta.dirname, 'run-process.ts'))};
    import { ConfigError } from ${JSON.stringify(join(import.meta.dirname, 'config.ts'))};
    await runProcess(() => ({
      failed: new Promise(() => {}),
      async start() { ${start} },
      async stop() { ${stop} },
    }));
    console.log('started');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, output }));
  const started = new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (output.includes('started')) resolve();
    });
  });
  return { child, ended, started };
}

describe('the process of a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops the service on %s and exits 0', async (signal) => {
    const { child, ended, started } = run('', 'console.log("stopped")');
    await started;
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, output: expect.stringContaining('stopped') as unknown });
  });

  it('creates files that only its user can read', async () => {
    const { child, ended, started } = run('console.log(process.umask().toString(8))', '');
    await started;
    child.kill('SIGTERM');
    expect((await ended).output).toMatch(/^77$/m);
  });

  it('exits at once on a second signal', async () => {
    const { child, ended, started } = run('', 'console.log("stopping"); await new Promise(() => {});');
    await started;
    child.kill('SIGTERM');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143 });
  });

  it('exits 78 and prints the problems if the configuration is invalid', async () => {
    const { ended } = run('throw new ConfigError(["PORT is wrong"])', '');
    const { code, output } = await ended;
    expect(code).toBe(78);
    expect(output).toContain('PORT is wrong');
    expect(output).not.toContain('    at ');
  });

  it('stops the service and exits 1 on an uncaught error', async () => {
    const { ended } = run('setTimeout(() => { throw new Error("a bug"); }, 10)', 'console.log("stopped")');
    const { code, output } = await ended;
    expect(code).toBe(1);
    expect(output).toMatch(/a bug[^]*stopped/);
  });

  it('exits 1 when the service does not stop cleanly', async () => {
    const { child, ended, started } = run('', 'throw new Error("stuck")');
    await started;
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining('stuck') as unknown });
  });
});
