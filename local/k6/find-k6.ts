import { userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { installLine } from '../install/programs.ts';
import { findProgram } from '../process/find-program.ts';
import { root } from '../pipeline/paths.ts';
import { UserError } from '../user-error.ts';

const IMAGE = 'grafana/k6:2.3.0';
/** The scripts are TypeScript, which older versions do not run. */
const OLDEST = 1;
/** What the scripts read, and the folder that they write to. */
const MOUNTS = ['load_test', 'test_images:ro', 'shared:ro'];

/** How k6 is run on this machine. */
export interface K6 {
  readonly version: string;
  /** Program and first arguments of `k6`, given the folders that the script reads besides the repository's own. */
  readonly command: (folders: readonly string[]) => readonly [string, ...string[]];
  /** An address of this machine as k6 reaches it. */
  readonly address: (url: string) => string;
}

/**
 * The k6 of PATH, or else its image where a Docker engine runs.
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

/** Its network is this machine's own, or on Docker Desktop reaches it under another name. */
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
