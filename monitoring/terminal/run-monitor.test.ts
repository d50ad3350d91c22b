import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { someSnapshot, someSource } from '../testing/some-snapshot.ts';

/** A monitoring service that always answers this. */
async function serve(snapshot: Snapshot): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify(snapshot)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function start(program: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', program), ...args]);
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  return {
    child,
    ended: once(child, 'exit').then(async ([code]: unknown[]) => {
      const [out, err] = await output;
      return { code, out, err };
    }),
  };
}

const colours = [1, 2, 31, 32, 33, 36].map((code) => `\u001b[${code}m`);

const run = (program: string, ...args: string[]) => start(program, args).ended;
const stale = someSnapshot({
  sources: { management: someSource({ state: 'away', age_seconds: 99 }), events: someSource() },
});

describe.each(['queue_monitor.ts', 'performance_monitor.ts'])('%s', (program) => {
  it('looks once and ends with 0', async () => {
    const { code, out } = await run(program, '--once', '--url', await serve(someSnapshot()));
    expect([code, out.split('\n')]).toEqual([0, [expect.stringMatching(/^2026-01-01T12.*busy=2\/2/), '']]);
  });

  it('prints the snapshot as JSON, and ends with 3 where its figures are stale', async () => {
    const { code, out } = await run(program, '--once', '--json', '--url', await serve(stale));
    expect([code, JSON.parse(out)]).toEqual([3, stale]);
  });

  it('ends with 3 where the service cannot be reached', async () => {
    const { code, err } = await run(program, '--once', '--url', 'http://127.0.0.1:9');
    expect([code, err]).toEqual([3, expect.stringContaining('http://127.0.0.1:9 cannot be reached')]);
  });

  it.each([['--sideways'], ['--interval', '0'], ['--url', 'nowhere'], ['surplus']])(
    'ends with 2 where it is called with %s',
    async (...args) => {
      expect((await run(program, ...args)).code).toBe(2);
    },
  );

  it('prints a line an interval where there is no terminal, until it is told to stop', async () => {
    const { child, ended } = start(program, ['--interval', '0.2', '--url', await serve(someSnapshot())]);
    let lines = 0;
    child.stdout.on('data', (chunk) => {
      lines += String(chunk).split('\n').length - 1;
      if (lines >= 3) child.kill('SIGINT');
    });
    expect((await ended).code).toBe(0);
    expect(lines).toBeGreaterThanOrEqual(3);
  });

  it('ends at once while the service is silent', async () => {
    const server = createServer(() => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const asked = once(server, 'request');
    const { child, ended } = start(program, [
      '--url',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ]);
    await asked;
    const told = performance.now();
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 0, out: '', err: '' });
    // Less than it would wait for an answer.
    expect(performance.now() - told).toBeLessThan(1_500);
  });

  // util-linux's `script` gives it a terminal of its own, and passes on what is typed.
  it.skipIf(process.platform !== 'linux').each(['\u0003', 'q'])(
    'gives the terminal back and ends with 0 at %j, also through npx',
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
      // Of npm's own colours nothing is known here.
      const drawn = out.slice(out.indexOf('\u001b[?1049h'));
      expect(colours.filter((colour) => drawn.includes(colour))).toEqual([]);
    },
  );
});
