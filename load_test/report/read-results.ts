import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import { UserError } from '@image-pipeline/local/user-error.ts';
import { parsePrintable, printable } from '@image-pipeline/shared/printable.ts';
import { loadTestResultSchema, type LoadTestResult } from '../result.ts';

export const RESULTS_FOLDER = join(import.meta.dirname, '..', 'results');

/** A result and its file. */
export interface ResultFile {
  /** Name without the folder. */
  readonly file: string;
  readonly result: LoadTestResult;
}

export interface ReadResults {
  /** In the order of the starts. */
  readonly results: readonly ResultFile[];
  /** One line per skipped file, with the reason. */
  readonly skipped: readonly string[];
}

const versionSchema = z.object({ version: z.number() });
const VERSION = loadTestResultSchema.shape.version.value;

/**
 * Reads result files, and all `*.json` in folders. Invalid files are skipped; a run that is found twice counts once.
 * @throws UserError if there is no valid result
 */
export async function readResults(paths: readonly string[]): Promise<ReadResults> {
  const skipped: string[] = [];
  const files = new Set<string>();
  for (const path of paths) {
    for (const file of await filesIn(path, skipped)) files.add(file);
  }
  const byRun = new Map<string, ResultFile>();
  for (const path of files) {
    const read = parseResult(await readFile(path, 'utf8'));
    const file = printable(basename(path));
    if (typeof read === 'string') skipped.push(`Skipped ${file}: ${read}`);
    else if (!byRun.has(read.run_id)) byRun.set(read.run_id, { file, result: read });
  }
  if (byRun.size === 0) throw new UserError([...skipped, nothingIn(paths)].join('\n'));
  const results = [...byRun.values()].sort(
    (one, other) => Date.parse(one.result.started_at) - Date.parse(other.result.started_at),
  );
  return { results, skipped };
}

/** @returns the result, whose texts are printable, or the reason why the text is not a result */
export function parseResult(text: string): LoadTestResult | string {
  let content: unknown;
  try {
    content = parsePrintable(text);
  } catch {
    return 'it is incomplete or not JSON. Run the test again.';
  }
  const version = versionSchema.safeParse(content).data?.version;
  if (version !== undefined && version > VERSION) {
    return `it has version ${version}, and this program reads version ${VERSION}. Update the repository.`;
  }
  const parsed = loadTestResultSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at "${issue.path.join('.')}"`;
  return `it is not the result of a load test (${printable(issue?.message ?? 'unknown form')}${where}).`;
}

async function filesIn(path: string, skipped: string[]): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const names = await readdir(path);
    return names.filter((name) => name.endsWith('.json')).map((name) => join(path, name));
  }
  if (found?.isFile()) return [path];
  if (path !== RESULTS_FOLDER) skipped.push(`Skipped ${printable(path)}: no such file or folder.`);
  return [];
}

function nothingIn(paths: readonly string[]): string {
  const where = paths.map((path) => printable(relative(process.cwd(), path) || 'this folder')).join(', ');
  return `No load test results in ${where}. Create some first: make load-bulk COUNT=100 WORKERS=3`;
}
