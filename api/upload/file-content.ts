import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { BLOCK_BYTES, type UploadSpace, type UploadUse } from './upload-space.ts';

/**
 * The bytes of one uploaded file. They are kept in memory; once that is used up, the rest goes to a temporary file without
 * a name, which the system removes when it is closed, even if the process is killed.
 */
export class FileContent {
  readonly #space: UploadSpace;
  readonly #upload: UploadUse;
  readonly #blocks: Buffer[] = [];
  /** The part of the last block that is not filled yet. */
  #room: Buffer = Buffer.alloc(0);
  #file: Promise<FileHandle> | undefined;
  /** Bytes of the temporary file. */
  #written = 0;
  #size = 0;
  #sha256 = '';
  #isDiscarded = false;

  /** @param upload that it is a part of */
  constructor(space: UploadSpace, upload: UploadUse) {
    this.#space = space;
    this.#upload = upload;
  }

  /** bytes */
  get size(): number {
    return this.#size;
  }

  /** hex */
  get sha256(): string {
    return this.#sha256;
  }

  /**
   * Receives all bytes of `source`; call it once.
   * @throws the error of the source; PipelineError `body_too_large` or `overloaded`, or an error of the operating system, e.g. ENOSPC
   */
  async receive(source: AsyncIterable<Buffer>): Promise<void> {
    const hash = createHash('sha256');
    for await (const chunk of source) {
      if (this.#isDiscarded) throw new Error('the content was discarded while it was received');
      hash.update(chunk);
      this.#size += chunk.length;
      const rest = this.#keep(chunk);
      if (rest.length > 0) await this.#write(rest);
    }
    this.#sha256 = hash.digest('hex');
  }

  /** The first 256 KiB: more than it takes to recognize the type, and usually the size of the image. */
  async beginning(): Promise<Uint8Array> {
    const [first] = this.#blocks;
    if (first !== undefined) return first.subarray(0, this.#size);
    const read = await (
      await this.#file
    )?.read({ buffer: Buffer.alloc(Math.min(this.#size, BLOCK_BYTES)), position: 0 });
    return read === undefined ? new Uint8Array() : read.buffer.subarray(0, read.bytesRead);
  }

  /** A stream of all bytes; may be called again. */
  read(): Readable {
    return Readable.from(this.#chunks(), { objectMode: false });
  }

  /** Releases memory and disk space; may be called at any time. */
  async discard(): Promise<void> {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#space.release(this.#upload, this.#blocks.splice(0));
    await (await this.#file?.catch(() => undefined))?.close();
    this.#space.releaseFileBytes(this.#upload, this.#written);
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const filled = this.#blocks.length * BLOCK_BYTES - this.#room.length;
    for (const [index, block] of this.#blocks.entries())
      yield block.subarray(0, filled - index * BLOCK_BYTES);
    const file = await this.#file;
    if (file !== undefined)
      yield* file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>;
  }

  /** Copies as much of a chunk as there is memory for. Returns the rest. */
  #keep(chunk: Buffer): Buffer {
    let rest = chunk;
    while (rest.length > 0 && this.#file === undefined) {
      if (this.#room.length === 0) {
        const block = this.#space.take(this.#upload);
        if (block === undefined) break;
        this.#blocks.push(block);
        this.#room = block;
      }
      const copied = rest.copy(this.#room);
      this.#room = this.#room.subarray(copied);
      rest = rest.subarray(copied);
    }
    return rest;
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#space.takeFileBytes(this.#upload, bytes.length);
    this.#written += bytes.length;
    const file = await (this.#file ??= openUnnamedFile());
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
  }
}

async function openUnnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `image-pipeline-upload-${process.pid}-${crypto.randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
