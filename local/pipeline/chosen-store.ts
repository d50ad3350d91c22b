import { commonVariables } from '@image-pipeline/shared/common-config.ts';
import { readConfig } from '@image-pipeline/shared/config.ts';
import type { RunFolder } from '../supervisor/run-folder.ts';
import { UserError } from '../user-error.ts';

const REACHABLE_MS = 3_000;

/** Without Docker, the default store is a folder. */
const storeVariables = {
  STORE: { ...commonVariables.STORE, default: 'folder' },
  MINIO_ENDPOINT: commonVariables.MINIO_ENDPOINT,
  MINIO_BUCKET: commonVariables.MINIO_BUCKET,
};

/** @throws ConfigError with all problems at once */
export function chosenStore(
  run: RunFolder,
  env: NodeJS.ProcessEnv,
): { readonly variables: NodeJS.ProcessEnv; readonly where: string } {
  const { STORE, MINIO_ENDPOINT, MINIO_BUCKET } = readConfig(storeVariables, env);
  if (STORE === 'minio') {
    return { variables: { STORE }, where: `${MINIO_ENDPOINT}, bucket ${MINIO_BUCKET} (STORE=minio)` };
  }
  return { variables: { STORE, STORE_FOLDER: run.store }, where: run.store };
}

/** @throws UserError if STORE=minio is set and MINIO_ENDPOINT cannot be reached */
export async function requireStore(env: NodeJS.ProcessEnv): Promise<void> {
  const { STORE, MINIO_ENDPOINT } = readConfig(storeVariables, env);
  if (STORE === 'folder') return;
  try {
    // Any response will do: other stores than MinIO have no health check at a known path.
    await fetch(MINIO_ENDPOINT, { signal: AbortSignal.timeout(REACHABLE_MS), redirect: 'manual' });
  } catch (error) {
    throw new UserError(
      `STORE=minio is set, but MINIO_ENDPOINT=${MINIO_ENDPOINT} cannot be reached. Start MinIO there, or remove STORE=minio from .env and the environment to store images in a folder.`,
      { cause: error },
    );
  }
}
