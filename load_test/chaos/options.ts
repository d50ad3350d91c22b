import { randomInt } from 'node:crypto';
import { UserError } from '../../local/user-error.ts';

/** What `make chaos` is asked for. */
export interface ChaosRun {
  /** Of the random mix, and of the moments within scenarios. */
  readonly seed: number;
  /** Whether it was named: then only the mix is run, to see again what was seen. */
  readonly isRepeat: boolean;
  /** Uploads of the storm and of the random mix, and over how many seconds. */
  readonly jobs: number;
  readonly seconds: number;
  /** Comma-separated names; undefined runs all. */
  readonly scenario: string | undefined;
  readonly store: 'minio' | 'folder';
}

const HIGHEST_SEED = 2 ** 31 - 1;

/** Reads SEED, JOBS, SECONDS, SCENARIO and STORE. @throws UserError that names what is wrong */
export function readChaosRun(env: NodeJS.ProcessEnv): ChaosRun {
  const seed = wholeNumber(env, 'SEED', HIGHEST_SEED);
  const store = env['STORE'] ?? '';
  if (store !== '' && store !== 'minio' && store !== 'folder') {
    throw new UserError(`STORE is "${store}" but must be minio or folder`);
  }
  return {
    seed: seed ?? randomInt(HIGHEST_SEED),
    isRepeat: seed !== undefined,
    jobs: wholeNumber(env, 'JOBS', 100_000) ?? 500,
    seconds: wholeNumber(env, 'SECONDS', 86_400) ?? 120,
    scenario: env['SCENARIO'] === '' ? undefined : env['SCENARIO'],
    store: store === '' ? 'minio' : store,
  };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, max: number): number | undefined {
  const text = env[name] ?? '';
  if (text === '') return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new UserError(
    `${name} is "${text}" but must be a whole number from 1 to ${max}, for example ${name}=42`,
  );
}
