import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/**
 * MinIO's free server is given out as source only and no longer maintained; it builds with Go alone. This is the last
 * commit of 2026-02-12. Conditional writes need a server of 2024-05 or newer.
 */
export const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const MINIO_MODULE = `github.com/minio/minio@${MINIO_VERSION}`;
const BUILD_TIMEOUT_MS = 20 * 60_000;

/** The server's binary, or why there is none and what would help. */
export type MinioBinary = { readonly path: string } | { readonly missing: string };

/**
 * Looks for a MinIO server: the variable MINIO_BINARY, then PATH, then Go's folder of binaries. Where there is none
 * but Go is there, it is built once (about 4 minutes on 2 cores, 150 MB) into Go's folder and found there from then on.
 *
 * @param say told, a line at a time, what is happening
 */
export async function findOrBuildMinio(
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<MinioBinary> {
  const named = env['MINIO_BINARY'];
  if (named !== undefined && named !== '') {
    return (await isProgram(named))
      ? { path: named }
      : { missing: `MINIO_BINARY=${named} is not an executable file` };
  }

  const goFolder = await goBinaryFolder();
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of goFolder === undefined ? folders : [...folders, goFolder]) {
    const path = join(folder, 'minio');
    if (await isProgram(path)) return { path };
  }

  if (goFolder === undefined) {
    return {
      missing:
        'minio is not in PATH, and Go is not installed to build it. Install either, or set MINIO_BINARY',
    };
  }
  return build(goFolder, say);
}

async function build(goFolder: string, say: (line: string) => void): Promise<MinioBinary> {
  say(`Building MinIO with Go, once. This takes a few minutes (go install ${MINIO_MODULE})`);
  const began = performance.now();
  const go = await execa('go', ['install', MINIO_MODULE], {
    env: { CGO_ENABLED: '0' },
    timeout: BUILD_TIMEOUT_MS,
    reject: false,
    all: true,
  });
  if (go.failed) return { missing: `MinIO could not be built:\n${go.all.slice(-2_000)}` };
  say(`Built MinIO in ${Math.round((performance.now() - began) / 1_000)} s`);
  return { path: join(goFolder, 'minio') };
}

/** Where `go install` puts programs (see `go help install`), or undefined where there is no Go. */
async function goBinaryFolder(): Promise<string | undefined> {
  const go = await execa('go', ['env', 'GOBIN', 'GOPATH'], { reject: false, timeout: 30_000 });
  if (go.failed) return undefined;
  const [bin = '', path = ''] = go.stdout.split('\n');
  // GOPATH may be a list; programs go to its first folder.
  return bin === '' ? join(path.split(delimiter)[0] ?? path, 'bin') : bin;
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
