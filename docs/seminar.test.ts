import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshClone } from '../local/compose-test/fresh-clone.ts';
import { type RunLine, readSeminar, SeminarWalk } from '../local/compose-test/seminar.ts';
import { root } from '../local/pipeline/paths.ts';

const LINE_MS = 180_000;
const lines = readSeminar(root);

it('has the same lines in both languages', () => {
  const commands = (page: string) => readSeminar(root, page).map(({ section: _, ...row }) => row);
  expect(commands('docs/seminar.ru.md')).toEqual(commands('docs/seminar.md'));
  expect(lines.length).toBeGreaterThan(25);
});

/** Those with Docker are typed by `make test-compose`, with the load tests, which take minutes. */
describe('without Docker, in a fresh clone', () => {
  let folder = '';
  /** Addresses that differ from the page because a port is in use. */
  let moved: readonly (readonly [page: string, real: string])[] = [];
  const run: RunLine = async (line, until) => {
    const typed = moved.reduce((text, [page, real]) => text.replaceAll(page, real), line);
    const monitoring = moved.find(([page]) => page.endsWith(':8002'))?.[1];
    const shell = execa('bash', ['-c', typed], {
      cwd: folder,
      env: {
        RUNTIME: 'local',
        NO_COLOR: '1',
        ...(monitoring === undefined ? {} : { MONITORING_URL: `http://${monitoring}` }),
      },
      detached: true,
      reject: false,
      all: true,
      stdin: 'ignore',
      timeout: LINE_MS,
    });
    let shown = '';
    for await (const chunk of shell.iterable({ from: 'all', binary: false })) {
      shown += `${chunk}\n`;
      if (until?.test(shown) !== true) continue;
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGINT');
      break;
    }
    const { exitCode } = await shell;
    return { exitCode, all: shown };
  };
  const walk = new SeminarWalk(async (line, until) => {
    const done = await run(line, until);
    const realOf = (name: RegExp) => name.exec(done.all)?.[1];
    if (line === 'make up') {
      moved = [
        ['localhost:8000', realOf(/Page and API +http:\/\/(\S+)/) ?? 'localhost:8000'],
        ['localhost:8002', realOf(/Monitoring +http:\/\/([^/\s]+)/) ?? 'localhost:8002'],
      ];
    }
    return done;
  });
  beforeAll(async () => {
    folder = await freshClone(root);
  });
  afterAll(async () => {
    await run('make clean');
    await rm(folder, { recursive: true, force: true });
  }, LINE_MS);

  const typed = lines.filter(
    ({ local }, index) =>
      local !== '' &&
      !/load-|analyze_results/.test(local) &&
      lines.findIndex((line) => line.local === local) === index,
  );
  it.each(typed)('$section: $local', { timeout: LINE_MS }, async ({ local }) => {
    await walk.type(local);
  });
});
