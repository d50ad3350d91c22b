import { isToken } from '@image-pipeline/shared/access-token.ts';
import type { SocketErrorCode } from '@image-pipeline/shared/contracts/websocket.ts';

/** Who may watch all jobs. A single job needs no token: its id cannot be guessed. */
export interface AllJobsAccess {
  /** No token needed: outside of production. */
  readonly isOpen: boolean;
  /** Empty if none is configured. */
  readonly token: string;
}

/** Why a client with this token may not watch all jobs, or undefined if it may. */
export function refusalOfAllJobs(
  given: string | undefined,
  access: AllJobsAccess,
): Extract<SocketErrorCode, 'token_not_set' | 'token_required'> | undefined {
  if (access.isOpen) return undefined;
  if (access.token === '') return 'token_not_set';
  return given !== undefined && isToken(given, access.token) ? undefined : 'token_required';
}
