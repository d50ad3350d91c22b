import { BrokerMisconfigured } from './broker/misconfiguration.ts';
import { ConfigError } from './config.ts';
import { messageOf } from './errors.ts';
import type { Service } from './service.ts';
import { StoreMisconfigured } from './store/store-failure.ts';

/** New files, such as those of the store, are for the user of the service only: 0600, and 0700 for folders. */
const PRIVATE_UMASK = 0o077;

/** EX_CONFIG of `sysexits.h`: invalid configuration, so a restart would not help. */
const EX_CONFIG = 78;

/**
 * Runs a service as this process. SIGTERM or SIGINT stops the service and exits 0 (1 if the stop was not
 * clean); a second signal exits at once. Exit code 78: invalid configuration; 1: any other error.
 */
export async function runProcess(makeService: () => Service): Promise<void> {
  process.umask(PRIVATE_UMASK);
  let service: Service | undefined;
  let stopping = false;

  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    try {
      await service?.stop();
      process.exit(code);
    } catch (error) {
      console.error(describe(error));
      process.exit(code === 0 ? 1 : code);
    }
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
    void stop(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  const fail = (error: unknown) => {
    console.error(describe(error));
    void stop(isMisconfiguration(error) ? EX_CONFIG : 1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  try {
    service = makeService();
    void service.failed.then(fail);
    await service.start();
  } catch (error) {
    fail(error);
  }
}

function isMisconfiguration(error: unknown): boolean {
  return (
    error instanceof ConfigError ||
    error instanceof BrokerMisconfigured ||
    error instanceof StoreMisconfigured
  );
}

function describe(error: unknown): string {
  if (isMisconfiguration(error)) return messageOf(error);
  if (error instanceof AggregateError) return [error.message, ...error.errors.map(describe)].join('\n  - ');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
