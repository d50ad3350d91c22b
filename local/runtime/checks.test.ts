import { expect, it } from 'vitest';
import { diskFinding, refuseToStart, workersFinding } from './checks.ts';

it('refuses to start with too little disk space, and says what to do', () => {
  const low = diskFinding(700_000_000, 'make clean');
  expect(low).toEqual({
    is: 'fix',
    text: 'disk: 0.7 GB free, but 2 GB are required. To free space: make clean',
  });
  expect(() => refuseToStart(low)).toThrow(/^disk: 0\.7 GB free, but 2 GB are required\. .*make doctor$/);
  expect(() => refuseToStart(diskFinding(2_000_000_000, 'make clean'))).not.toThrow();
});

it('reports missing workers as a problem only while jobs wait', () => {
  expect(workersFinding(0)).toMatchObject({
    is: 'note',
    text: expect.stringContaining('start-worker') as string,
  });
  expect(workersFinding(1)).toEqual({
    is: 'fix',
    text: 'No worker is running, and 1 job is waiting. To start one: make start-worker',
  });
});
