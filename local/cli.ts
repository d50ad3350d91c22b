#!/usr/bin/env -S npx node
import { styleText } from 'node:util';
import { ConfigError } from '@image-pipeline/shared/config.ts';
import { Command } from 'commander';
import { replay, republish, status, upload } from './commands/jobs.ts';
import { monitor } from './commands/monitor.ts';
import { killWorker, scale } from './commands/workers.ts';
import { demo } from './demo.ts';
import { ensureRabbitmq, tryToInstall } from './install/install.ts';
import { currentRuntime } from './runtime/current-runtime.ts';
import { UserError } from './user-error.ts';

/** The commands of the Makefile. A missing argument is an empty string; each command checks its arguments. */
const program = new Command('local').description(
  'The image pipeline, in containers or as processes; see the Makefile.',
);
program.command('up').action(up);
program.command('down').action(async () => (await currentRuntime()).down());
program.command('ps').action(async () => (await currentRuntime()).ps());
program
  .command('logs')
  .argument('[service]', 'name of the service; default: all', '')
  .argument('[text]', 'print all lines with this text, such as the id of a job', '')
  .action(async (service: string, text: string) => (await currentRuntime()).logs(service, text));
program
  .command('scale')
  .argument('[count]', 'number of workers', '')
  .argument('[slots]', 'jobs that each processes at once', '')
  .action(scale);
program.command('stop-worker').action(async () => (await currentRuntime()).stopWorker());
program.command('kill-worker').action(killWorker);
program.command('start-worker').action(async () => (await currentRuntime()).startWorker());
program
  .command('upload')
  .argument('[file]', 'the image', '')
  .argument('[operations]', 'for example resize,watermark', '')
  .action(upload);
program.command('status').argument('[job_id]', 'id of the job', '').action(status);
program.command('replay').argument('[job_id]', 'id of a failed job', '').action(replay);
program.command('republish').argument('[job_id]', 'id of a job', '').action(republish);
program.command('monitor').action(() => monitor('queue_monitor'));
program.command('performance').action(() => monitor('performance_monitor'));
program.command('demo').action(demo);
program.command('install-rabbitmq').action(() => ensureRabbitmq());
program.command('install-prometheus').action(() => tryToInstall('prometheus'));
program.command('install-faketime').action(() => tryToInstall('faketime'));
program.command('install-chromium').action(() => tryToInstall('chromium'));
program.command('doctor').action(async () => (await currentRuntime()).doctor());
program.command('clean').action(async () => (await currentRuntime()).clean());

// The pipe was closed, as in `make logs | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof UserError) {
    console.error(error.message);
    process.exitCode = error.exitCode;
  } else if (error instanceof ConfigError) {
    console.error(error.message);
    process.exitCode = 78;
  } else {
    throw error;
  }
}

/** `make up`: starts the system unless it is running, and prints its addresses. */
async function up(): Promise<void> {
  const { system, started } = await (await currentRuntime()).ensureUp();
  console.log(styleText('bold', started ? '\nThe system is running.\n' : 'The system is already running.\n'));
  console.log(system.addressLines.join('\n'));
}
