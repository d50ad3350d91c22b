import { ConfigError } from '@image-pipeline/shared/config.ts';
import { UserError } from '../local/user-error.ts';

/** EX_CONFIG of sysexits.h */
const CONFIG_ERROR = 78;
/** Exit code after Ctrl-C. */
export const INTERRUPTED = 130;

/**
 * Runs the main function of a program. An expected error is printed as one line, without a stack trace, and sets the exit
 * code; any other error is thrown.
 */
export async function runProgram(main: () => Promise<unknown>): Promise<void> {
  // The reader closed the pipe, as in `make analyze | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = error instanceof UserError ? error.exitCode : CONFIG_ERROR;
  }
}

/** On Ctrl-C, SIGTERM or a closed terminal, ends everything that the program has started, and exits. */
export function endOnSignal(started: AsyncDisposable): void {
  let isEnding = false;
  // npx forwards a signal that this process has received already: only the first one counts.
  const onSignal = () => {
    if (isEnding) return;
    isEnding = true;
    console.error('Interrupted. Stopping everything …');
    void Promise.resolve(started[Symbol.asyncDispose]()).finally(() => {
      console.error('Everything is stopped.');
      process.exit(INTERRUPTED);
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}
