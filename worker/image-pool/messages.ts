import type { ErrorCode, ErrorDetails } from '@image-pipeline/shared/errors.ts';
import type { ImageTask, ProcessedImage } from '../processors/process-image.ts';

/** What the parent sends: tasks, and responses to `slow`. */
export type ParentMessage = TaskMessage | { readonly kind: 'permission'; readonly isGranted: boolean };

/**
 * A task as it is sent to a child: the bytes of the image follow on a pipe of their own, since a message is copied when it
 * is serialized, while it is received, and when it is deserialized.
 */
export type TaskMessage = Omit<ImageTask, 'bytes'> & { readonly kind: 'task'; readonly size: number };

/** The child's end of that pipe, a file descriptor; 3 is the channel for messages. */
export const IMAGE_PIPE = 4;

/**
 * What a child process sends: `ready` once; then, per task, `slow` if it asks for permission to process a slow image,
 * `decoded` if it gets that far, and a result.
 */
export type ChildMessage = { readonly kind: 'slow' } | { readonly kind: 'decoded' } | ResultMessage;

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

/** Kills a child that exceeds its memory limit. Nothing else sends this signal. */
export const MEMORY_EXCEEDED_SIGNAL = 'SIGUSR2';
