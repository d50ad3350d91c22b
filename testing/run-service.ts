import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');

const logLineSchema = z.looseObject({
  msg: z.string(),
  port: z.number().optional(),
  job_id: z.string().optional(),
  trace_id: z.string().optional(),
});

/** A service as a process, as operators start it. The test that started it kills it at its end. */
export class ServiceProcess {
  readonly child: ChildProcess;
  #stdout = '';
  #stderr = '';

  /** @param environment see `TestSystem.environmentOf` */
  constructor(service: 'api' | 'worker' | 'notification' | 'monitoring', environment: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [`${service}/main.ts`], {
      cwd: ROOT,
      env: { ...process.env, ...environment },
    });
    this.child.stdout?.on('data', (chunk) => (this.#stdout += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.#stderr += String(chunk)));
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** All that it has written so far. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** The complete lines of a log in JSON. */
  get log(): z.output<typeof logLineSchema>[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines.map((line) => logLineSchema.parse(JSON.parse(line)));
  }

  /** Its resident memory in MiB: now, or the most it has had. Linux only. */
  async residentMiB(when: 'now' | 'peak' = 'now'): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid ?? 0}/status`, 'utf8');
    const field = when === 'now' ? /^VmRSS:\s+(\d+) kB$/m : /^VmHWM:\s+(\d+) kB$/m;
    return Number(field.exec(status)?.[1]) / 1024;
  }

  /** The first log line with this message. */
  lineOf(msg: string): Promise<z.output<typeof logLineSchema>> {
    return vi.waitFor(
      () => {
        const line = this.log.find((each) => each.msg === msg);
        if (line === undefined) throw new Error(`no line says "${msg}"`);
        return line;
      },
      { timeout: 30_000, interval: 20 },
    );
  }
}
