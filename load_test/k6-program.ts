import { userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { printable } from '@image-pipeline/shared/printable.ts';
import { installLine } from '../local/install/programs.ts';
import { root } from '../local/pipeline/paths.ts';
import { findProgram } from '../local/process/find-program.ts';
import { UserError } from '../local/user-error.ts';

const IMAGE = 'grafana/k6:2.3.0';
/** Older versions do not run TypeScript. */
const OLDEST = 1;
/** The folders that the scripts read or write. */
const MOUNTS = ['load_test', 'test_images:ro', 'shared:ro'];

/** How k6 is run on this machine. */
interface K6 {
  readonly version: string;
  /** Program and first arguments. @param folders that the script reads in addition to those of the repository */
  readonly command: (folders: readonly string[]) => readonly [string, ...string[]];
  /** Converts an address on this machine to one that k6 can reach. */
  readonly address: (url: string) => string;
}

/**
 * Finds k6 in PATH, or else uses its Docker image if an engine is running.
 * @throws UserError with the line that installs k6 on this system
 */
export async function findK6(): Promise<K6> {
  const program = await findProgram('k6');
  if (program !== undefined) return installedK6(program);
  const { exitCode } = await execa('docker', ['version'], {
    reject: false,
    stdin: 'ignore',
    timeout: 10_000,
  });
  if (exitCode === 0) return await containerK6();
  throw new UserError(
    `k6 is not installed, and Docker is not available to run its image. To install k6: ${await installLine('k6')}`,
  );
}

async function installedK6(program: string): Promise<K6> {
  const { stdout } = await execa(program, ['version'], { reject: false, stdin: 'ignore' });
  const version = versionIn(stdout);
  if (version === null)
    throw new UserError(`${program} does not print the version of k6. Check: ${program} version`);
  if (Number(version[1]) < OLDEST) {
    throw new UserError(
      `${program} is k6 ${version[0]}, but version ${OLDEST}.0 or later is required. To install it: ${await installLine('k6')}`,
    );
  }
  return { version: version[0].slice(1), command: () => [program], address: (url) => url };
}

const versionIn = (text: string) => /\bv(\d+)\.\d+\.\d+\S*/.exec(text);

/** On Linux, the container uses the host's network; on Docker Desktop, it reaches the host as host.docker.internal. */
async function containerK6(): Promise<K6> {
  const { uid, gid } = userInfo();
  const isLinux = process.platform === 'linux';
  const { stdout, exitCode, stderr } = await execa('docker', ['run', '--rm', IMAGE, 'version'], {
    reject: false,
    stdin: 'ignore',
  });
  if (exitCode !== 0) throw new UserError(`The image ${IMAGE} cannot be run: ${stderr.trim()}`);
  return {
    version: versionIn(stdout)?.[0].slice(1) ?? 'unknown',
    command: (folders) => [
      'docker',
      'run',
      '--rm',
      ...(process.stdout.isTTY ? ['--tty'] : []),
      ...(uid < 0 ? [] : ['--user', `${uid}:${gid}`]),
      ...(isLinux ? ['--network', 'host'] : []),
      ...MOUNTS.flatMap((folder) => [
        '--volume',
        `${join(root, folder.split(':')[0] ?? '')}:/pipeline/${folder}`,
      ]),
      ...folders.flatMap((folder) => ['--volume', `${folder}:${folder}:ro`]),
      '--workdir',
      '/pipeline',
      IMAGE,
    ],
    address: (url) => (isLinux ? url : url.replace('//localhost:', '//host.docker.internal:')),
  };
}

/** How a run of k6 ended. */
interface K6End {
  readonly exitCode: number;
  /** Why the script stopped itself, if it did. */
  readonly reason: string | undefined;
}

/** k6 adds the file and line of the script to the reason. */
const ABORTED = /test aborted: (.*?)(?: at \w+ \(file:.*)?$/;

/**
 * Runs k6 on this terminal. It handles signals to the process group, such as Ctrl-C, itself: it waits for the jobs and
 * writes its result. A SIGTERM to this process only is forwarded.
 * @param command program and first arguments; see findK6
 * @param variables settings of the script
 */
export async function runK6(
  [program, ...first]: readonly [string, ...string[]],
  action: 'inspect' | 'run',
  script: string,
  variables: Readonly<Record<string, string>>,
): Promise<K6End> {
  let reason: string | undefined;
  let forward: () => void = () => undefined;
  const ignore = () => undefined;
  const onTerminate = () => forward();
  // Set before k6 starts, so that no signal ends this process while k6 runs.
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
  forward = () => k6.kill('SIGTERM');
  try {
    for await (const line of k6.iterable({ from: 'stderr' })) {
      const found = ABORTED.exec(line);
      if (found === null) console.error(printable(line));
      else reason = found[1];
    }
    const { exitCode = 1 } = await k6;
    return { exitCode, reason };
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', onTerminate);
  }
}
