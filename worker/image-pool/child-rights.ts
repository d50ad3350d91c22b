import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EngineName } from '../engine/engine.ts';

const MIB = 1024 * 1024;
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What a child may do, as options of Node's permission model: read the code, the packages and the fonts among them.
 * It may not read or write any other file, start a process, or open an inspector. `--allow-addons` is for sharp, whose
 * native code the model does not restrict; `--allow-worker` for the guard thread, which has the same rights. Node 24
 * cannot refuse connections; Node 25 and later refuse them without `--allow-net`.
 */
const childPermissions: readonly string[] = [
  '--permission',
  '--allow-addons',
  '--allow-worker',
  ...['PERM0001', 'PERM0006'].map((warning) => `--disable-warning=${warning}`), // about these two
  ...['worker/', 'shared/', 'node_modules/', 'package.json'].map((path) => `--allow-fs-read=${ROOT}${path}`),
];

/** Other variables are withheld from a process that reads untrusted files: they include passwords. */
const INHERITED_VARIABLES = ['TMPDIR', 'LD_LIBRARY_PATH'];

/** The environment of a child. */
function childEnvironment(): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(INHERITED_VARIABLES.map((name) => [name, process.env[name]])),
    MALLOC_ARENA_MAX: '1', // the threads of libvips would each keep memory of their own: 100 MiB
    VIPS_DISC_THRESHOLD: '4g', // libvips keeps large images in memory, which is limited, not in temporary files
  };
}

/**
 * The command that starts a process with a lower CPU priority: it gets a tenth of the time of an ordinary one, if both want
 * the same core.
 */
const lowPriority = ['nice', '-n', '10'] as const;

export interface ProgramOptions {
  /** The module that the child runs; it calls `serveTasks`. */
  readonly program: URL;
  readonly engine: EngineName;
  /** The limit of the child's resident memory, in bytes. */
  readonly memoryLimitBytes: number;
  /** For slow images. */
  readonly hasLowPriority: boolean;
}

export function forkProgram(options: ProgramOptions): ChildProcess {
  const { program, engine, memoryLimitBytes, hasLowPriority } = options;
  const [execPath, ...execArgv] = [...(hasLowPriority ? lowPriority : []), process.execPath];
  return fork(program, [String(memoryLimitBytes), engine], {
    serialization: 'advanced', // results are binary
    execPath,
    execArgv: [
      ...execArgv,
      '--heap-growing-percent=400', // V8 counts the pixels of images, too
      `--max-old-space-size=${Math.ceil(memoryLimitBytes / MIB)}`,
      ...childPermissions,
    ],
    env: childEnvironment(),
    stdio: ['ignore', process.stderr, process.stderr, 'ipc', 'pipe'],
  });
}
