import { execa } from 'execa';
import { root } from '../pipeline/paths.ts';

/** How a call of k6 ended. */
export interface K6End {
  readonly exitCode: number;
  /** Why the script stopped itself, if it did. */
  readonly reason: string | undefined;
}

/** Around the reason, k6 says in which file and line of ours it stopped. */
const ABORTED = /test aborted: (.*?)(?: at \w+ \(file:.*)?$/;

/**
 * Runs k6 on this terminal. A signal to the whole process group, such as Ctrl-C, is k6's to handle: it lets the jobs end
 * and writes its result. One that only this process gets is passed on.
 * @param command program and first arguments; see findK6
 * @param variables what the script reads
 */
export async function runK6(
  [program, ...first]: readonly [string, ...string[]],
  action: 'inspect' | 'run',
  script: string,
  variables: Readonly<Record<string, string>>,
): Promise<K6End> {
  let reason: string | undefined;
  let passOn: () => void = () => undefined;
  const ignore = () => undefined;
  const onTerminate = () => passOn();
  // Before k6 starts, so that no signal ends this process while k6 runs.
  process.on('SIGINT', ignore);
  process.on('SIGTERM', onTerminate);
  const k6 = execa(
    program,
    [
      ...first,
      action,
      '--log-format=raw',
      ...(action === 'run' ? ['--no-usage-report'] : []),
      // Its banner and progress bar are for terminals.
      ...(action === 'run' && process.stdout.isTTY ? [] : ['--quiet']),
      ...Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      `load_test/${script}.ts`,
    ],
    {
      cwd: root,
      env: { K6_NEW_MACHINE_READABLE_SUMMARY: 'false' },
      stdin: 'ignore',
      stdout: action === 'run' ? 'inherit' : 'ignore',
      stderr: 'pipe',
      reject: false,
      cleanup: false,
    },
  );
  passOn = () => k6.kill('SIGTERM');
  try {
    for await (const line of k6.iterable({ from: 'stderr' })) {
      const found = ABORTED.exec(line);
      if (found === null) console.error(line);
      else reason = found[1];
    }
    const { exitCode = 1 } = await k6;
    return { exitCode, reason };
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', onTerminate);
  }
}
