import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, uploadCapacity, UploadSpace, UploadUse } from './upload-space.ts';

const MIB = 1024 * 1024;
const defaults = { UPLOADS_IN_FLIGHT: 64, UPLOAD_MEMORY_MIB: 128, MAX_FILE_BYTES: 10 * MIB };
const container = (mib: number) => ({ bytes: mib * MIB, isEnforced: true });

describe('the space for uploads', () => {
  it('has room for 64 files of 10 MiB in a container of 1 GiB', () => {
    expect(uploadCapacity(defaults, container(1024))).toEqual({
      slots: 64,
      memoryBytes: 128 * MIB,
      fileBytes: 512 * MIB,
    });
  });

  it.each([
    [768, 38, 384],
    [512, 12, 128],
    [320, 8, 80],
    [32, 1, 10],
  ])('in a container of %i MiB allows %i uploads of %i MiB in all', (mib, slots, all) => {
    const { memoryBytes, fileBytes, slots: allowed } = uploadCapacity(defaults, container(mib));
    expect([allowed, memoryBytes]).toEqual([slots, Math.min(all, 128) * MIB]);
    expect(memoryBytes + fileBytes).toBe(all * MIB);
  });

  it('allows fewer uploads if files may be larger', () => {
    expect(uploadCapacity({ ...defaults, MAX_FILE_BYTES: 100 * MIB }, container(1024)).slots).toBe(6);
  });

  it('has no limit of temporary files without a container', () => {
    const machine = { bytes: 8192 * MIB, isEnforced: false };
    expect(uploadCapacity(defaults, machine)).toMatchObject({ slots: 64, fileBytes: Infinity });
  });
});

describe('one client address', () => {
  const two = { slots: 2, memoryBytes: 4 * BLOCK_BYTES, fileBytes: 20 * MIB };
  const blocksOf = (space: UploadSpace, upload: UploadUse) => {
    const blocks: Buffer[] = [];
    for (let block = space.take(upload); block !== undefined; block = space.take(upload)) blocks.push(block);
    return blocks;
  };

  it('gets at most half of the memory, and what it releases again', () => {
    const space = new UploadSpace(two);
    const one = new UploadUse('one');
    const blocks = blocksOf(space, one);
    const ofOthers = ['other', 'third'].map((address) => blocksOf(space, new UploadUse(address)).length);
    expect([blocks.length, ...ofOthers]).toEqual([2, 2, 0]);
    space.release(one, blocks);
    expect(blocksOf(space, new UploadUse('one'))).toHaveLength(2);
  });

  it('gets at most half of the temporary files', () => {
    const space = new UploadSpace(two);
    const [first, second] = [new UploadUse('one'), new UploadUse('one')];
    space.takeFileBytes(first, 10 * MIB);
    expect(() => space.takeFileBytes(second, 1)).toThrow(
      'The uploads in progress use up the space for their files: 20 MiB, at most 10 MiB of one client address.',
    );
    space.takeFileBytes(new UploadUse('other'), 10 * MIB);
    space.releaseFileBytes(first, 1);
    space.takeFileBytes(second, 1);
  });

  it('is refused an upload that needs more than its share, and may repeat one that others leave no room', () => {
    const space = new UploadSpace(two);
    const limit = 2 * BLOCK_BYTES + 10 * MIB;
    const [large, small] = [new UploadUse('one'), new UploadUse('one')];
    const blocks = blocksOf(space, large);
    space.takeFileBytes(large, 10 * MIB);
    const refusalOf = (upload: UploadUse) => {
      try {
        space.takeFileBytes(upload, 1);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    expect(refusalOf(large)).toMatchObject({ code: 'body_too_large', details: { limit, seen: limit + 1 } });
    expect(refusalOf(small)).toMatchObject({ code: 'overloaded' });
    space.release(large, blocks);
    space.releaseFileBytes(large, 10 * MIB);
    expect(refusalOf(small)).toBeUndefined();
  });

  it('gets all of it if there is room for a single upload', () => {
    const space = new UploadSpace({ ...two, slots: 1 });
    const upload = new UploadUse('one');
    expect(blocksOf(space, upload)).toHaveLength(4);
    space.takeFileBytes(upload, 20 * MIB);
  });
});
