import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What a child may do, as options of Node's permission model: read the code, the packages and the fonts among them.
 * It may not read or write any other file, start a process, or open an inspector. `--allow-addons` is for sharp, whose
 * native code the model does not restrict; `--allow-worker` for the guard thread, which has the same rights. Node 24
 * cannot refuse connections; Node 25 and later refuse them without `--allow-net`.
 */
export const childPermissions: readonly string[] = [
  '--permission',
  '--allow-addons',
  '--allow-worker',
  ...['PERM0001', 'PERM0006'].map((warning) => `--disable-warning=${warning}`), // about these two
  ...['worker/', 'shared/', 'node_modules/', 'package.json'].map((path) => `--allow-fs-read=${ROOT}${path}`),
];

/** Other variables are withheld from a process that reads untrusted files: they include passwords. */
const INHERITED_VARIABLES = ['TMPDIR', 'LD_LIBRARY_PATH'];

/** The environment of a child. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(INHERITED_VARIABLES.map((name) => [name, process.env[name]])),
    MALLOC_ARENA_MAX: '1', // the threads of libvips would each keep memory of their own: 100 MiB
    VIPS_DISC_THRESHOLD: '4g', // libvips keeps large images in memory, which is limited, not in temporary files
  };
}

/**
 * The command that starts a process with a lower CPU priority: it gets a third of the time of an ordinary one, if both want
 * the same core.
 */
export const lowPriority = ['nice', '-n', '5'] as const;
