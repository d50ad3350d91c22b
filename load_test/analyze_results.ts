#!/usr/bin/env -S npx node
import { stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { printable } from '@image-pipeline/shared/printable.ts';
import { UserError } from '../local/user-error.ts';
import { compare } from './report/compare.ts';
import { analyse } from './report/conclude.ts';
import { htmlReport } from './report/html-report.ts';
import { analysisLines, comparisonLines, toJson } from './report/print.ts';
import { readResults, type ResultFile, RESULTS_FOLDER } from './report/read-results.ts';
import { runProgram } from './run-program.ts';

/**
 * `make analyze`: analyses the results of load tests on the terminal and as one HTML file. The steps: `readResults` reads the
 * files of k6, `groupRuns` measures each run and groups repeats into tests, `analyse` draws conclusions from each test,
 * `analysisLines` prints them, and `htmlReport` adds charts and tables.
 */
const program = new Command('analyze_results')
  .description('Analyse the results of load tests: a table, conclusions, and an HTML report.')
  .argument('[paths...]', 'result files or folders (default: load_test/results)')
  .option('--json', 'print everything calculated as JSON, and write no report')
  .option('--out <file>', 'file of the report (default: report.html in the results folder)')
  .option(
    '--compare <runs...>',
    'compare A with B; each is a file, a folder, a run id, an experiment, or several of them, comma-separated',
  )
  .addHelpText(
    'after',
    `
Examples:
  npx node load_test/analyze_results.ts
  npx node load_test/analyze_results.ts --compare before.json after.json
  npx node load_test/analyze_results.ts --json | jq '.machines[].tests[].conclusions'`,
  );

interface Options {
  readonly json?: true;
  readonly out?: string;
  readonly compare?: readonly string[];
}

async function main(paths: readonly string[], { json, out, compare: sides }: Options): Promise<void> {
  const sources = paths.length > 0 ? paths : [RESULTS_FOLDER];
  if (sides !== undefined) {
    await printComparison(sides, sources, json === true);
    return;
  }
  const analysis = analyse(await readResults(sources));
  if (analysis.machines.length === 0) {
    throw new UserError(
      'All results are of warm-up runs, which are not analysed. Run: make load-bulk COUNT=100 WORKERS=3',
    );
  }
  if (json === true) {
    console.log(JSON.stringify(toJson(analysis), null, 2));
    return;
  }
  console.log(analysisLines(analysis, columns()).join('\n'));
  const file = out ?? join(await reportFolder(paths), 'report.html');
  await writeReport(file, await htmlReport(analysis));
  console.log(`\nReport: ${relative(process.cwd(), file)}`);
}

async function writeReport(file: string, html: string): Promise<void> {
  await writeFile(file, html).catch((error: unknown) => {
    throw new UserError(
      `Cannot write the report to ${printable(file)}. Choose another file: --out report.html`,
      { cause: error },
    );
  });
}

/** The report of a folder is written to that folder. */
async function reportFolder(paths: readonly string[]): Promise<string> {
  const [only] = paths;
  return paths.length === 1 && only !== undefined && (await stat(only)).isDirectory() ? only : RESULTS_FOLDER;
}

async function printComparison(
  sides: readonly string[],
  sources: readonly string[],
  json: boolean,
): Promise<void> {
  const [a, b, ...more] = sides;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new UserError(
      '--compare needs two sides: --compare A B. Separate several files of one side by commas.',
    );
  }
  const comparisons = compare(await runsNamed(a, sources), await runsNamed(b, sources));
  if (json) console.log(JSON.stringify(comparisons, null, 2));
  else {
    const texts = comparisons.map((comparison) => comparisonLines(comparison, columns()).join('\n'));
    console.log(texts.join('\n\n'));
  }
}

/** @throws UserError if a name is not a file, folder, run or experiment */
async function runsNamed(names: string, sources: readonly string[]): Promise<readonly ResultFile[]> {
  const found: ResultFile[] = [];
  for (const name of names.split(',')) {
    if ((await stat(name).catch(() => undefined)) !== undefined) {
      const { results, skipped } = await readResults([name]);
      for (const line of skipped) console.error(line);
      found.push(...results);
      continue;
    }
    const { results } = await readResults(sources);
    const own = results.filter(({ file, result }) =>
      [result.run_id, result.experiment?.name, file].includes(name),
    );
    if (own.length === 0) {
      const experiments = [...new Set(results.flatMap(({ result }) => result.experiment?.name ?? []))];
      const known =
        experiments.length === 0 ? '' : ` Known experiments: ${printable(experiments.join(', '))}.`;
      throw new UserError(
        `Unknown results "${printable(name)}". Specify a result file, a folder, a run id or an experiment.${known}`,
      );
    }
    found.push(...own);
  }
  return found;
}

function columns(): number {
  return Math.min(process.stdout.columns || Number(process.env['COLUMNS']) || 100, 110);
}

await runProgram(() => program.action(main).parseAsync());
