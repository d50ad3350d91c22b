import type { MemoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import type { ApiConfig } from '../config.ts';

const MIB = 1024 * 1024;

/** For the process itself, without files of uploads: its code and heap, 64 downloads, and the buffers of connections. */
const RESERVED_BYTES = 384 * MIB;

/** What uploads in progress may use together. */
export interface UploadSpace {
  /** Concurrent uploads. */
  readonly slots: number;
  /** For files in the memory of the process, in bytes. */
  readonly memoryBytes: number;
  /** For the rest, in temporary files, in bytes. In a container, they are in memory as well. */
  readonly fileBytes: number;
}

type Settings = Pick<ApiConfig, 'UPLOADS_IN_FLIGHT' | 'UPLOAD_MEMORY_MIB' | 'MAX_FILE_BYTES'>;

/** As many uploads as configured, but no more than fit into memory with a file of the maximum size each. */
export function uploadSpace(
  { UPLOADS_IN_FLIGHT, UPLOAD_MEMORY_MIB, MAX_FILE_BYTES }: Settings,
  memory: MemoryLimit,
): UploadSpace {
  const bytes = Math.max(memory.bytes - RESERVED_BYTES, MAX_FILE_BYTES);
  const memoryBytes = Math.min(UPLOAD_MEMORY_MIB * MIB, bytes);
  return {
    slots: Math.min(UPLOADS_IN_FLIGHT, Math.floor(bytes / MAX_FILE_BYTES)),
    memoryBytes,
    // Without a container, temporary files are usually on a disk.
    fileBytes: memory.isEnforced ? bytes - memoryBytes : Infinity,
  };
}
