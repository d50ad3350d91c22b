#!/usr/bin/env -S npx node
import { UserError } from '../../local/user-error.ts';
import { readChaosRun } from './options.ts';
import { ChaosSession } from './chaos-session.ts';
import { allScenarios } from './scenarios/all.ts';

/** Of a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const run = readChaosRun(process.env);
  const all = allScenarios(run);
  const wanted = run.scenario ?? (run.isRepeat ? 'random-mix' : undefined);
  const chosen = all.filter(({ name }) => wanted === undefined || wanted.split(',').includes(name));
  if (chosen.length === 0) {
    throw new UserError(
      `Unknown scenario ${wanted ?? ''}. Scenarios: ${all.map(({ name }) => name).join(', ')}`,
    );
  }
  const session = new ChaosSession(run, console.log);
  const onSignal = () => {
    console.error('Interrupted. Stopping the system …');
    void session[Symbol.asyncDispose]().finally(() => process.exit(INTERRUPTED));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const failed: string[] = [];
  try {
    for (const scenario of chosen) {
      const isMix = scenario.name === 'storm' || scenario.name === 'random-mix';
      const { verdict } = await session.run(scenario, isMix || chosen.length === 1);
      if (verdict === 'FAIL') failed.push(scenario.name);
    }
  } finally {
    await session[Symbol.asyncDispose]();
  }
  console.log(failed.length === 0 ? '\nAll scenarios passed.' : `\nFailed: ${failed.join(', ')}`);
  if (chosen.some(({ name }) => name === 'random-mix')) {
    console.log(
      `To repeat the random mix: make chaos SEED=${run.seed} JOBS=${run.jobs} SECONDS=${run.seconds}`,
    );
  }
  return failed.length === 0 ? 0 : 1;
}
