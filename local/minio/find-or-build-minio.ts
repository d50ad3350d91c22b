import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { findProgram } from '../process/find-program.ts';

/**
 * MinIO's free server is published as source only and no longer maintained; it needs only Go to build. This is the last
 * commit of 2026-02-12. Conditional writes need a server of 2024-05 or newer.
 */
const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const MINIO_MODULE = `github.com/minio/minio@${MINIO_VERSION}`;
const BUILD_TIMEOUT_MS = 20 * 60_000;

/** The path of the server, or why there is none and what to do. */
export type MinioBinary = { readonly path: string } | { readonly missing: string };

/**
 * Finds a MinIO server: the variable MINIO_BINARY, then PATH, then Go's folder of binaries. If there is none, but Go is
 * installed, it is built once (about 4 minutes on 2 cores, 150 MB) into Go's folder.
 *
 * @param say prints a line
 */
export async function findOrBuildMinio(
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<MinioBinary> {
  const configured = env['MINIO_BINARY'] ?? '';
  if (configured !== '') {
    const path = await findProgram(configured, ['']);
    return path === undefined
      ? { missing: `MINIO_BINARY=${configured} is not an executable file` }
      : { path };
  }

  const goFolder = await goBinaryFolder();
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const path = await findProgram('minio', goFolder === undefined ? folders : [...folders, goFolder]);
  if (path !== undefined) return { path };
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

/** The folder of `go install` (see `go help install`), or undefined if Go is not installed. */
async function goBinaryFolder(): Promise<string | undefined> {
  const go = await execa('go', ['env', 'GOBIN', 'GOPATH'], { reject: false, timeout: 30_000 });
  if (go.failed) return undefined;
  const [bin = '', path = ''] = go.stdout.split('\n');
  // GOPATH may be a list; programs go to its first folder.
  return bin === '' ? join(path.split(delimiter)[0] ?? path, 'bin') : bin;
}
