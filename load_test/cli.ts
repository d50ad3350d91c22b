#!/usr/bin/env -S npx node
import { Command } from 'commander';
import { experiment1, experiment2, experiment3, experimentWorkers } from './experiments/commands.ts';
import { loadTest } from './run-load-test.ts';
import { runProgram } from './run-program.ts';

/** Load tests and guided experiments; see the Makefile. A missing argument is an empty string: each command checks its own. */
const program = new Command('load_test').description('Load tests and guided experiments; see the Makefile.');
program.command('load-bulk').action(() => loadTest('bulk_upload'));
program.command('load-burst').action(() => loadTest('burst_test'));
program.command('load-capacity').action(() => loadTest('capacity_test'));
program.command('experiment-1').action(experiment1);
program.command('experiment-2').action(experiment2);
program.command('experiment-3').action(experiment3);
program
  .command('experiment-workers')
  .argument('[count]', 'images per run', '')
  .argument('[repeats]', 'runs per number of workers', '')
  .argument('[workers]', 'comma-separated numbers of workers', '')
  .argument('[seed]', 'seed of the random order', '')
  .action(experimentWorkers);

await runProgram(() => program.parseAsync());
