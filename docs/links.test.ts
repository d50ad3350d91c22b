import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];

it.each(pages)('%s links only to files and headings that exist', (page) => {
  const broken = linksOf(page).filter(({ file, anchor }) => !exists(file, anchor));
  expect(broken).toEqual([]);
});

/** The relative links of a page, outside of code. */
function linksOf(page: string): { file: string; anchor: string | undefined }[] {
  const text = readPage(page).replaceAll(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path));
      return { file, anchor };
    });
}

function exists(file: string, anchor: string | undefined): boolean {
  const isThere = globSync(file, { cwd: root }).length === 1;
  return isThere && (anchor === undefined || anchorsOf(file).includes(anchor));
}

/** The anchors that GitHub makes from the headings of a page. */
function anchorsOf(page: string): string[] {
  return [...readPage(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}
