import { runFolder } from '../pipeline/paths.ts';
import { systemState } from '../pipeline/running-system.ts';
import { LogFollower } from '../terminal/log-follower.ts';
import { UserError } from '../user-error.ts';

/** `make logs`: every log, each line behind the name of its service, until Ctrl-C. `SERVICE=worker`: only theirs. */
export async function logs(service: string): Promise<void> {
  const follower = new LogFollower({ folder: runFolder.logs, service, write: (line) => console.log(line) });
  const names = await follower.services();
  if (names.length === 0) {
    const all = await new LogFollower({
      folder: runFolder.logs,
      service: '',
      write: () => undefined,
    }).services();
    throw new UserError(
      all.length === 0
        ? 'There are no logs yet. To start the system: make up'
        : `Unknown service ${service}. Services: ${all.join(', ')}`,
    );
  }
  await follower.printNew();
  if ((await systemState(runFolder)) !== 'running') {
    console.log('\nThe system is not running. These are the last lines.');
    return;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  await follower.follow(stop.signal);
}
