import type { ErrorCode, ErrorDetails } from '@image-pipeline/shared/errors.ts';
import type { ProcessedImage } from '../processors/process-image.ts';

/** What a child process says: `ready` once, then one answer for every task that it is sent. */
export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly image: ProcessedImage; readonly memoryBytes: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly memoryBytes: number };

/** An error as it crosses the border between processes. */
export interface Failure {
  readonly permanent: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  /** What lies behind it, for the log. */
  readonly cause: string | undefined;
}

/** What a child dies of when it has taken more memory than it may. Nothing else sends it this signal. */
export const MEMORY_EXCEEDED_SIGNAL = 'SIGUSR2';
