import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, uploadCapacity, UploadSpace } from './upload-space.ts';

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
  const blocksOf = (space: UploadSpace, address: string) => {
    const blocks: Buffer[] = [];
    for (let block = space.take(address); block !== undefined; block = space.take(address))
      blocks.push(block);
    return blocks;
  };

  it('gets at most half of the memory, and what it releases again', () => {
    const space = new UploadSpace(two);
    const blocks = blocksOf(space, 'one');
    expect([blocks.length, blocksOf(space, 'other').length, blocksOf(space, 'third').length]).toEqual([
      2, 2, 0,
    ]);
    space.release('one', blocks);
    expect(blocksOf(space, 'one')).toHaveLength(2);
  });

  it('gets at most half of the temporary files', () => {
    const space = new UploadSpace(two);
    space.takeFileBytes('one', 10 * MIB);
    expect(() => space.takeFileBytes('one', 1)).toThrow(
      'The uploads in progress use up the space for their files: 20 MiB, at most 10 MiB of one client address.',
    );
    space.takeFileBytes('other', 10 * MIB);
    space.releaseFileBytes('one', 1);
    space.takeFileBytes('one', 1);
  });

  it('gets all of it if there is room for a single upload', () => {
    const space = new UploadSpace({ ...two, slots: 1 });
    expect(blocksOf(space, 'one')).toHaveLength(4);
    space.takeFileBytes('one', 20 * MIB);
  });
});
