import { describe, expect, it } from 'vitest';
import { uploadSpace } from './upload-space.ts';

const MIB = 1024 * 1024;
const defaults = { UPLOADS_IN_FLIGHT: 64, UPLOAD_MEMORY_MIB: 128, MAX_FILE_BYTES: 10 * MIB };
const container = (mib: number) => ({ bytes: mib * MIB, isEnforced: true });

describe('the space for uploads', () => {
  it('has room for 64 files of 10 MiB in a container of 1 GiB', () => {
    expect(uploadSpace(defaults, container(1024))).toEqual({
      slots: 64,
      memoryBytes: 128 * MIB,
      fileBytes: 512 * MIB,
    });
  });

  it.each([
    [512, 12, 128],
    [448, 6, 64],
    [256, 1, 10],
  ])('in a container of %i MiB allows %i uploads, with %i MiB in the process', (mib, slots, memory) => {
    const space = uploadSpace(defaults, container(mib));
    expect(space).toMatchObject({ slots, memoryBytes: memory * MIB });
    expect(space.memoryBytes + space.fileBytes).toBe(Math.max(mib - 384, 10) * MIB);
  });

  it('allows fewer uploads if files may be larger', () => {
    expect(uploadSpace({ ...defaults, MAX_FILE_BYTES: 100 * MIB }, container(1024)).slots).toBe(6);
  });

  it('has no limit of temporary files without a container', () => {
    const machine = { bytes: 8192 * MIB, isEnforced: false };
    expect(uploadSpace(defaults, machine)).toMatchObject({ slots: 64, fileBytes: Infinity });
  });
});
