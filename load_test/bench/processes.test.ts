import { expect, it } from 'vitest';
import { cpuTimeOf } from './processes.ts';

it('the CPU time of a process is apart from that of its descendants, running or ended', () => {
  const usage = (pid: number, parent: number, cpuMs: number, endedChildrenMs = 0) => ({
    pid,
    parent,
    cpuMs,
    endedChildrenMs,
    resident: 0,
  });
  const processes = [
    usage(1, 0, 5_000),
    usage(10, 1, 40, 7),
    usage(11, 10, 300),
    usage(12, 11, 20, 1),
    usage(20, 1, 9),
  ];
  expect(cpuTimeOf(10, processes)).toEqual({ own: 40, children: 300 + 20 + 1 + 7 });
  expect(cpuTimeOf(99, processes)).toEqual({ own: 0, children: 0 });
});
