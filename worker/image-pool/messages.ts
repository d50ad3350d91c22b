import type { ErrorCode, ErrorDetails } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';

/** What the parent sends: tasks, and responses to `costly`. */
export type ParentMessage = TaskMessage | { readonly kind: 'permission'; readonly isGranted: boolean };

/**
 * A task as it is sent to a child: the bytes of the image follow on a pipe of their own, since a message is copied when it
 * is serialized, while it is received, and when it is deserialized.
 */
export type TaskMessage = Omit<ImageTask, 'bytes'> & { readonly kind: 'task'; readonly size: number };

/** The child's end of that pipe, a file descriptor; 3 is the channel for messages. */
export const IMAGE_PIPE = 4;

/**
 * What a child process sends: `ready` once; then, per task, `costly` if it asks for permission to process an image that
 * takes more than `COSTLY_MS`, `decoded` if it gets that far, and a result.
 */
export type ChildMessage =
  | { readonly kind: 'costly'; readonly estimatedMs: number }
  | { readonly kind: 'decoded'; readonly isQuick: boolean }
  | ResultMessage;

export type ResultMessage =
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

/** An image that is estimated to take longer may have to make way for quick ones, in milliseconds. */
export const COSTLY_MS = 300;
/** One that is estimated to take less is quick. */
export const QUICK_MS = 100;

/** Kills a child that exceeds its memory limit. Nothing else sends this signal. */
export const MEMORY_EXCEEDED_SIGNAL = 'SIGUSR2';
