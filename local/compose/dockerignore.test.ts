import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, relative } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../pipeline/paths.ts';

const ignored = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !/^[#!]/.test(line))
  .flatMap((line) => [line, `${line}/**`]);
const isIgnored = (path: string) => ignored.some((pattern) => matchesGlob(path, pattern));

test.each(['api', 'worker', 'notification', 'monitoring', 'shared'])(
  '%s imports nothing that .dockerignore excludes from its image',
  (folder) => {
    const files = globSync(`${folder}/**/*.ts`, {
      cwd: root,
      exclude: (path) => path.includes('node_modules'),
    });
    const shipped = files.filter((path) => !isIgnored(path));
    expect(shipped.length).toBeGreaterThan(10);
    const missing = shipped.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/from '(\.[^']+)'/g)]
        .map(([, target = '']) => relative(root, join(root, dirname(path), target)))
        .filter(isIgnored)
        .map((target) => `${path} imports ${target}`),
    );
    expect(missing).toEqual([]);
  },
);
