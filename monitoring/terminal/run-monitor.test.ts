import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { someQueue, someSnapshot, someSource, someWorker } from '../../testing/some-snapshot.ts';

/** The n-th snapshot of monitoring. */
const made = (n: number) => someSnapshot({ updated_at: new Date(1_767_268_800_000 + n).toISOString() });

const colours = [1, 2, 31, 32, 33, 36].map((code) => `\u001b[${code}m`);

const run = (program: string, ...args: string[]) => start(program, args).ended;
const stale = someSnapshot({
  sources: { management: someSource({ state: 'unavailable', age_seconds: 99 }), events: someSource() },
});

describe.each(['queue_monitor.ts', 'performance_monitor.ts'])('%s', (program) => {
  it('polls once and exits with 0', async () => {
    const { code, out } = await run(program, '--once', '--url', await serve(someSnapshot()));
    expect([code, out.split('\n')]).toEqual([0, [expect.stringMatching(/^2026-01-01T12.*busy=2\/2/), '']]);
  });

  it('prints the snapshot as JSON, and exits with 3 if it is stale', async () => {
    const { code, out } = await run(program, '--once', '--json', '--url', await serve(stale));
    expect([code, JSON.parse(out)]).toEqual([3, stale]);
  });

  it('prints no control characters from untrusted names', async () => {
    const name = '\u001b]0;title\u0007worker\u009b2J\u202e';
    const queue = { ...someQueue('image.jobs.process'), name };
    const hostile = someSnapshot({
      workers: [someWorker(name)],
      alarms: [name],
      queues: [queue],
      failures_5m: { [name]: 3 },
    });
    const url = await serve(hostile);
    const command = `stty cols 100 rows 40; exec ${process.execPath} ${program} --once --url ${url}`;
    const outputs = [
      (await run(program, '--once', '--url', url)).out,
      (await run(program, '--once', '--json', '--url', url)).out,
      await text(
        spawn('script', ['-qefc', command, '/dev/null'], {
          cwd: join(import.meta.dirname, '..'),
          env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
        }).stdout,
      ),
    ];
    expect(outputs.at(-1)).toContain(']0;title');
    for (const output of outputs) expect(output).not.toMatch(/[^\P{Cc}\r\n]|\u202e/u);
  });

  it('exits with 3 if the service is unreachable', async () => {
    const { code, err } = await run(program, '--once', '--url', 'http://127.0.0.1:9');
    expect([code, err]).toEqual([3, expect.stringContaining('http://127.0.0.1:9 cannot be reached')]);
  });

  it.each([['--sideways'], ['--interval', '0'], ['--url', 'nowhere'], ['surplus']])(
    'exits with 2 if called with %s',
    async (...args) => {
      expect((await run(program, ...args)).code).toBe(2);
    },
  );

  it('exits with 2 if the environment has an invalid address, and names the variable', async () => {
    const { code, err } = await start(program, ['--once'], { MONITORING_URL: 'nowhere' }).ended;
    expect([code, err]).toEqual([2, expect.stringContaining('MONITORING_URL is "nowhere", but must be')]);
  });

  it('prints a line per interval without a terminal, until SIGINT', async () => {
    const url = await serve((poll) => made(Math.floor(poll / 2)));
    const { child, ended } = start(program, ['--interval', '0.2', '--url', url]);
    let lines = 0;
    child.stdout.on('data', (chunk) => {
      lines += String(chunk).split('\n').length - 1;
      if (lines >= 3) child.kill('SIGINT');
    });
    const { code, out } = await ended;
    expect(code).toBe(0);
    const times = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(times.slice(0, 3)).toEqual([0, 0, 1].map((n) => made(n).updated_at));
  });

  it('exits at once while the service does not respond', async () => {
    const server = createServer(() => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const requested = once(server, 'request');
    const { child, ended } = start(program, [
      '--url',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ]);
    await requested;
    const stoppedAt = performance.now();
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 0, out: '', err: '' });
    // Shorter than the timeout.
    expect(performance.now() - stoppedAt).toBeLessThan(1_500);
  });

  // util-linux's `script` provides a terminal and forwards the keys.
  it.skipIf(process.platform !== 'linux').each(['\u0003', 'q'])(
    'restores the terminal and exits with 0 on %j, also through npx',
    async (key) => {
      const url = await serve(someSnapshot());
      const command = `stty cols 80 rows 40; npx --no-install node ${program} --url ${url}; echo code=$?`;
      const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: join(import.meta.dirname, '..'),
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      });
      let out = '';
      child.stdout.on('data', (chunk) => {
        const wasDrawn = out.includes('Workers');
        out += String(chunk);
        if (!wasDrawn && out.includes('Workers')) child.stdin.write(key);
      });
      await once(child, 'exit');
      expect(out).toContain('\u001b[?1049h\u001b[?25l');
      expect(out).toContain('\u001b[?25h\u001b[?1049l');
      expect(out.trimEnd()).toMatch(/code=0$/);
      // npm may print colours before that.
      const drawn = out.slice(out.indexOf('\u001b[?1049h'));
      expect(colours.filter((colour) => drawn.includes(colour))).toEqual([]);
    },
  );

  it.skipIf(process.platform !== 'linux')(
    'reports that monitoring does not respond, and the growing age of its metrics',
    async () => {
      const url = await serve((poll) => (poll === 0 ? someSnapshot() : undefined));
      const command = `stty cols 80 rows 24; exec ${process.execPath} ${program} --interval 0.3 --url ${url}`;
      const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: join(import.meta.dirname, '..'),
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      });
      let out = '';
      const ages = () =>
        [...out.matchAll(/These metrics are ([\d.]+) s old\. The monitoring/g)].map(([, age]) => Number(age));
      child.stdout.on('data', (chunk) => {
        const wasEnough = ages().length >= 3;
        out += String(chunk);
        if (!wasEnough && ages().length >= 3) child.stdin.write('q');
      });
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(3);
      const [first = NaN, second = NaN, third = NaN] = ages();
      expect(first).toBeGreaterThan(0.5);
      expect(second - first).toBeGreaterThan(0.2);
      expect(third - second).toBeGreaterThan(0.2);
    },
  );
});

it('reads .env of the project, which the environment overrides', async () => {
  const root = await mkdtemp(join(tmpdir(), 'monitor-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const url = await serve(someSnapshot());
  await writeFile(join(root, '.env'), `MONITORING_PORT=${new URL(url).port}\nMONITORING_URL=\n`);
  const program = join(root, 'program.mjs');
  const here = pathToFileURL(import.meta.dirname).href;
  await writeFile(
    program,
    `import { runMonitor } from '${here}/run-monitor.ts';
     import { queueView } from '${here}/queue-view.ts';
     process.exitCode = await runMonitor(queueView, ${JSON.stringify(root)});`,
  );
  const runs = [{}, { MONITORING_PORT: '9' }].map((env) => {
    const child = spawn(process.execPath, [program, '--once'], { env: { ...process.env, ...env } });
    return once(child, 'exit');
  });
  expect((await Promise.all(runs)).map(([code]: unknown[]) => code)).toEqual([0, 3]);
});

/** A monitoring service that always responds with this, or with the result of the n-th poll. */
async function serve(result: Snapshot | ((poll: number) => Snapshot | undefined)): Promise<string> {
  let poll = 0;
  const server = createServer((_request, response) => {
    const snapshot = typeof result === 'function' ? result(poll++) : result;
    if (snapshot === undefined) response.destroy();
    else response.end(JSON.stringify(snapshot));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', program), ...args], {
    env: { ...process.env, ...env },
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  return {
    child,
    ended: once(child, 'exit').then(async ([code]: unknown[]) => {
      const [out, err] = await output;
      return { code, out, err };
    }),
  };
}
