import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { MemoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import type { ApiConfig } from '../config.ts';
import { bodyTooLarge } from '../http/request-body.ts';

const MIB = 1024 * 1024;

/**
 * Content in memory is copied into blocks of this size, so that its real size is known: a chunk of a request may be a
 * small part of a large buffer.
 */
export const BLOCK_BYTES = 256 * 1024;

/**
 * For the process itself, without files of uploads: its code and heap, 64 downloads, and the buffers of connections. In a
 * small container, heap and buffers stay smaller.
 */
const reservedBytes = (limitBytes: number) => Math.min(384 * MIB, limitBytes * 0.75);

/** What uploads in progress may use together. */
export interface UploadCapacity {
  /** Concurrent uploads. */
  readonly slots: number;
  /** For files in the memory of the process, in bytes. */
  readonly memoryBytes: number;
  /** For the rest, in temporary files, in bytes. In a container, they are in memory as well. */
  readonly fileBytes: number;
}

type Settings = Pick<ApiConfig, 'UPLOADS_IN_FLIGHT' | 'UPLOAD_MEMORY_MIB' | 'MAX_FILE_BYTES'>;

/** As many uploads as configured, but no more than fit into memory with a file of the maximum size each. */
export function uploadCapacity(
  { UPLOADS_IN_FLIGHT, UPLOAD_MEMORY_MIB, MAX_FILE_BYTES }: Settings,
  memory: MemoryLimit,
): UploadCapacity {
  const bytes = Math.max(memory.bytes - reservedBytes(memory.bytes), MAX_FILE_BYTES);
  const memoryBytes = Math.min(UPLOAD_MEMORY_MIB * MIB, bytes);
  return {
    slots: Math.min(UPLOADS_IN_FLIGHT, Math.floor(bytes / MAX_FILE_BYTES)),
    memoryBytes,
    // Without a container, temporary files are usually on a disk.
    fileBytes: memory.isEnforced ? bytes - memoryBytes : Infinity,
  };
}

interface Used {
  blocks: number;
  fileBytes: number;
}

/** What one upload uses of the space. */
export class UploadUse implements Used {
  readonly address: string;
  blocks = 0;
  fileBytes = 0;

  /** @param address of the client */
  constructor(address: string) {
    this.address = address;
  }
}

const bytesOf = ({ blocks, fileBytes }: Used) => blocks * BLOCK_BYTES + fileBytes;

/**
 * The memory and disk space for the files of all uploads in progress. One client address gets at most half of each, so that
 * it cannot block others. The memory is in blocks that are used again: garbage would cost more than copying.
 */
export class UploadSpace {
  readonly #max: Used;
  readonly #share: Used;
  readonly #used: Used = { blocks: 0, fileBytes: 0 };
  readonly #usedBy = new Map<string, Used>();
  readonly #released: Buffer[] = [];

  constructor({ slots, memoryBytes, fileBytes }: UploadCapacity) {
    const blocks = Math.floor(memoryBytes / BLOCK_BYTES);
    this.#max = { blocks, fileBytes };
    // A single slot has room for one file, which may need all of it.
    const addresses = slots === 1 ? 1 : 2;
    this.#share = { blocks: Math.ceil(blocks / addresses), fileBytes: fileBytes / addresses };
  }

  /** A block to fill, or undefined if the memory, or the share of the address, is used up. */
  take(upload: UploadUse): Buffer | undefined {
    if (!this.#hasLeft(upload, 'blocks', 1)) return undefined;
    this.#add(upload, 'blocks', 1);
    return this.#released.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** A write that timed out may still read the blocks: the store never shows its file. */
  release(upload: UploadUse, blocks: readonly Buffer[]): void {
    this.#add(upload, 'blocks', -blocks.length);
    this.#released.push(...blocks);
  }

  /**
   * Before bytes are written to a temporary file.
   * @throws PipelineError `body_too_large` if the share of an address is too small for this upload alone; otherwise
   * `overloaded`
   */
  takeFileBytes(upload: UploadUse, count: number): void {
    if (!this.#hasLeft(upload, 'fileBytes', count)) {
      const [limit, seen] = [bytesOf(this.#share), bytesOf(upload) + count];
      if (seen > limit) throw bodyTooLarge(limit, seen);
      const [max, share] = [this.#max, this.#share].map(({ fileBytes }) => Math.round(fileBytes / MIB));
      throw new PipelineError(
        'overloaded',
        `The uploads in progress use up the space for their files: ${max} MiB, at most ${share} MiB of one client address. Retry later, or send fewer files at once.`,
      );
    }
    this.#add(upload, 'fileBytes', count);
  }

  releaseFileBytes(upload: UploadUse, count: number): void {
    this.#add(upload, 'fileBytes', -count);
  }

  #hasLeft({ address }: UploadUse, kind: keyof Used, count: number): boolean {
    const used = this.#usedBy.get(address)?.[kind] ?? 0;
    return this.#used[kind] + count <= this.#max[kind] && used + count <= this.#share[kind];
  }

  #add(upload: UploadUse, kind: keyof Used, count: number): void {
    const { address } = upload;
    const used = this.#usedBy.get(address) ?? { blocks: 0, fileBytes: 0 };
    used[kind] += count;
    this.#used[kind] += count;
    upload[kind] += count;
    if (used.blocks === 0 && used.fileBytes === 0) this.#usedBy.delete(address);
    else this.#usedBy.set(address, used);
  }
}
