#!/usr/bin/env -S npx node
import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { readConfig, wholeNumber } from '@image-pipeline/shared/config.ts';
import { RESULTS_FOLDER } from '../report/read-results.ts';
import { endOnSignal, runProgram } from '../run-program.ts';
import { FuzzRun, type FuzzReport } from './fuzz-run.ts';
import type { Tally } from './tally.ts';

const MAX_SEED = 2 ** 31 - 1;
const MAX_SHOWN = 20;

/** The settings of `make fuzz`. */
const settings = {
  SECONDS: wholeNumber({ min: 1, max: 86_400, default: 60, unit: 'seconds', description: 'how long to run' }),
  SEED: wholeNumber({
    min: 1,
    max: MAX_SEED,
    default: randomInt(1, MAX_SEED),
    description: 'the same seed makes the same files',
  }),
};

async function main(): Promise<void> {
  const { SECONDS: seconds, SEED: seed } = readConfig(settings, process.env);
  const folder = join(RESULTS_FOLDER, `fuzz-${seed}`);
  console.log(`Seed ${seed}. Ctrl-C ends the run.`);
  const run = new FuzzRun({ seed, seconds, folder, say: console.log });
  endOnSignal(run);
  try {
    const report = await run.run();
    if (report === undefined) return; // Ctrl-C
    print(report);
    const findings = report.inspectors.findings.length + report.pipeline.findings.length;
    const isClean = findings + report.crashes.length === 0;
    console.log(
      isClean
        ? '\nNo findings.'
        : `\n${findings} findings, ${report.crashes.length} crashes of services. To repeat: make fuzz SEED=${seed} SECONDS=${seconds}`,
    );
    process.exitCode = isClean ? 0 : 1;
  } finally {
    await run[Symbol.asyncDispose]();
  }
}

function print({ inspectors, pipeline, crashes }: FuzzReport): void {
  printTally('Inspectors alone', inspectors);
  printTally('The whole pipeline', pipeline);
  for (const crash of crashes) console.log(`  CRASH  ${crash}`);
}

function printTally(title: string, { files, counts, findings }: Tally): void {
  console.log(`\n${title}: ${files} files`);
  for (const [code, count] of [...counts].sort(([, one], [, other]) => other - one)) {
    console.log(`  ${String(count).padStart(8)}  ${code}`);
  }
  for (const { number, what, path } of findings.slice(0, MAX_SHOWN)) {
    console.log(`  FINDING  #${number}  ${what}\n           ${relative(process.cwd(), path)}`);
  }
  if (findings.length > MAX_SHOWN) console.log(`  … and ${findings.length - MAX_SHOWN} more`);
}

await runProgram(main);
