#!/usr/bin/env -S npx node
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const report = z
  .object({
    numPassedTests: z.int(),
    numFailedTests: z.int(),
    numPendingTests: z.int(),
    numTotalTests: z.int(),
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

const skipped = report.numTotalTests - report.numPassedTests - report.numFailedTests;
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`,
);
