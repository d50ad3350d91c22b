import { availableParallelism } from 'node:os';
import { ConfigError } from '@image-pipeline/shared/config.ts';
import { describe, expect, it } from 'vitest';
import { readWorkerConfig } from './config.ts';

const MIB = 1024 * 1024;

describe('the memory limit of an image', () => {
  const limitOf = (mib: number, isEnforced: boolean, env: Record<string, string>) =>
    readWorkerConfig(env, { bytes: mib * MIB, isEnforced }).JOB_MEMORY_MIB;

  it.each([
    [4096, '2', 1093],
    [2560, '4', 400],
    [6144, '1', 1280],
    [65_536, '5', 1280],
  ])('in a container of %i MiB with %s slots is %i MiB', (mib, slots, expected) => {
    expect(limitOf(mib, true, { MAX_CONCURRENT_JOBS: slots })).toBe(expected);
  });

  it.each([
    [16_384, '4', 1280],
    [2048, '4', 314],
    [1024, '5', 128],
  ])('on a machine with %i MiB and %s slots is %i MiB', (mib, slots, expected) => {
    expect(limitOf(mib, false, { MAX_CONCURRENT_JOBS: slots })).toBe(expected);
  });

  it('is the setting, if there is one', () => {
    expect(limitOf(2560, true, { MAX_CONCURRENT_JOBS: '2', JOB_MEMORY_MIB: '600' })).toBe(600);
  });

  it('is large enough for a process', () => {
    expect(() => limitOf(8192, false, { JOB_MEMORY_MIB: '127' })).toThrow(
      'must be 0 or at least 128, not 127',
    );
  });

  it.each([
    [{ MAX_CONCURRENT_JOBS: '2', JOB_MEMORY_MIB: '1025' }, '(2 + 1) × 1025 × 1.2 + 160 = 3850 MiB'],
    [{ MAX_CONCURRENT_JOBS: '17' }, '(17 + 1) × 128 × 1.2 + 160 = 2925 MiB'],
  ])('must fit into the container: %o', (env, numbers) => {
    const read = () => limitOf(2560, true, env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`${numbers}, and its limit is 2560 MiB`);
  });

  it.each([
    [1184, {}, { MAX_CONCURRENT_JOBS: Math.min(5, availableParallelism()) }],
    [560, {}, { MAX_CONCURRENT_JOBS: 1, JOB_MEMORY_MIB: 166 }],
    [560, { MAX_CONCURRENT_JOBS: '' }, { MAX_CONCURRENT_JOBS: 1 }],
    [5000, { JOB_MEMORY_MIB: '2000' }, { MAX_CONCURRENT_JOBS: 1, JOB_MEMORY_MIB: 2000 }],
  ])('leaves room for the default number of slots in a container of %i MiB with %o', (mib, env, expected) => {
    expect(readWorkerConfig(env, { bytes: mib * MIB, isEnforced: true })).toMatchObject(expected);
  });

  it('must be possible with one slot', () => {
    expect(() => limitOf(400, true, {})).toThrow(
      '(1 + 1) × 128 × 1.2 + 160 = 468 MiB, and its limit is 400 MiB',
    );
  });
});
