import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { InspectedBatch, InspectorTask } from './inspector-thread.ts';
import type { Tally } from './tally.ts';

/** An inspection takes microseconds: one that takes this long hangs, or would with a larger file. */
const HANG_MS = 2_000;
const POLL_MS = 100;

/**
 * Lets the inspectors alone read mutated files until `stop` aborts. A file whose inspection hangs is a finding, and the
 * next thread goes on after it.
 */
export async function fuzzInspectors(
  seed: number,
  tally: Tally,
  stop: AbortSignal,
  program = new URL('inspector-thread.ts', import.meta.url),
): Promise<void> {
  for (let from = 0; !stop.aborted;) {
    const current = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Worker(program, {
      workerData: { seed, from, current } satisfies InspectorTask,
    });
    thread.on('message', (batch: InspectedBatch) => addBatch(tally, batch));
    const died = once(thread, 'exit').then(
      () => 'it ended',
      (error: unknown) => String(error),
    );
    const problem = await watch(current, died, stop);
    await thread.terminate();
    const number = Atomics.load(current, 0);
    if (problem !== undefined) await tally.find(number, `inspection: ${problem}`);
    from = number + 1;
  }
}

function addBatch(tally: Tally, { counts, findings, slowest }: InspectedBatch): void {
  for (const [code, count] of Object.entries(counts)) tally.count(code, count);
  for (const { number, what } of findings) void tally.find(number, what);
  tally.took(slowest.number, slowest.ms);
}

/** @returns what is wrong, or undefined when `stop` aborts */
async function watch(
  current: Int32Array,
  died: Promise<string>,
  stop: AbortSignal,
): Promise<string | undefined> {
  let seen = { number: Number.NaN, at: 0 };
  while (!stop.aborted) {
    const death = await Promise.race([died, sleep(POLL_MS)]);
    if (death !== undefined) return `the thread died: ${death}`;
    const number = Atomics.load(current, 0);
    if (number !== seen.number) seen = { number, at: performance.now() };
    // The first one includes the start of the thread.
    else if (number > 0 && performance.now() - seen.at > HANG_MS) return `takes longer than ${HANG_MS} ms`;
  }
  return undefined;
}
