#!/usr/bin/env -S npx node
import { Command } from 'commander';
import { ConfigError } from '@image-pipeline/shared/config.ts';
import { ensureRabbitmq } from './broker/ensure-rabbitmq.ts';
import { clean } from './commands/clean.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { replay, status, upload } from './commands/jobs.ts';
import { logs } from './commands/logs.ts';
import { ps } from './commands/ps.ts';
import { up } from './commands/up.ts';
import { scale, startWorker, stopWorker } from './commands/workers.ts';
import { demo } from './demo.ts';
import { UserError } from './user-error.ts';

/** What the Makefile calls. An argument that is missing is an empty one: the command says what it needs. */
const program = new Command('local').description('The image pipeline without Docker; see the Makefile.');
program.command('up').action(up);
program.command('down').action(down);
program.command('ps').action(ps);
program.command('logs').argument('[service]', 'only this one', '').action(logs);
program.command('scale').argument('[count]', 'number of workers', '').action(scale);
program.command('stop-worker').action(stopWorker);
program.command('start-worker').action(startWorker);
program
  .command('upload')
  .argument('[file]', 'the image', '')
  .argument('[operations]', 'as in resize,watermark', '')
  .action(upload);
program.command('status').argument('[job_id]', 'of an upload', '').action(status);
program.command('replay').argument('[job_id]', 'of a job that failed', '').action(replay);
program.command('demo').action(demo);
program.command('install-rabbitmq').action(() => ensureRabbitmq());
program.command('doctor').action(doctor);
program.command('clean').action(clean);

// `make logs | head`: whoever reads has had enough.
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
