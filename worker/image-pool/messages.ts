import type { ErrorCode, ErrorDetails } from '@image-pipeline/shared/errors.ts';
import type { ProcessedImage } from '../processors/process-image.ts';

/** What a child process sends: `ready` once, then one message per task. */
export type ChildMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly image: ProcessedImage; readonly memoryBytes: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly memoryBytes: number };

/** An error as it is sent between processes. */
export interface Failure {
  readonly permanent: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  /** The cause, for the log. */
  readonly cause: string | undefined;
}

/** Kills a child that exceeds its memory limit. Nothing else sends this signal. */
export const MEMORY_EXCEEDED_SIGNAL = 'SIGUSR2';
