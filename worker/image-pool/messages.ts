import type { ErrorCode, ErrorDetails } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';

/**
 * A task as it is sent to a child: the bytes of the image follow on a pipe of their own, since a message is copied when it
 * is serialized, while it is received, and when it is deserialized.
 */
export type TaskMessage = Omit<ImageTask, 'bytes'> & {
  readonly size: number;
  /** In milliseconds: an image that is estimated to take longer is not started. */
  readonly maxEstimateMs: number;
};

/** The child's end of that pipe, a file descriptor; 3 is the channel for messages. */
export const IMAGE_PIPE = 4;

/** What a child process sends: `ready` once; then, per task, `decoded` if it gets that far, and a result. */
export type ChildMessage = { readonly kind: 'decoded'; readonly estimatedMs: number } | ResultMessage;

export type ResultMessage =
  | { readonly kind: 'ready' }
  | ({ readonly memoryBytes: number } & (
      | { readonly kind: 'done'; readonly image: ProcessedImage }
      | { readonly kind: 'not started'; readonly estimatedMs: number }
      | { readonly kind: 'failed'; readonly failure: Failure }
    ));

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
