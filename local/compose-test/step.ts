import { styleText } from 'node:util';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { duration } from '../terminal/duration.ts';
import type { Stack } from './stack.ts';

/** A step of the test: it fails if it throws; the text that it returns is printed behind its title. */
export interface Step {
  readonly title: string;
  readonly run: (stack: Stack) => Promise<string | undefined>;
  /** If it fails, the steps after it are not run. */
  readonly essential?: boolean;
}

/** Thrown by a step that cannot run on this machine. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** A step that is listed, but never run. */
export function skipped(title: string, because: string): Step {
  return { title, run: () => Promise.reject(new Skipped(because)) };
}

/** Runs the steps and prints a line for each. Returns how many failed. */
export async function runSteps(steps: readonly Step[], stack: Stack): Promise<number> {
  let failed = 0;
  for (const { title, run, essential } of steps) {
    const since = performance.now();
    const { result, note } = await resultOf(() => run(stack));
    const took = duration((performance.now() - since) / 1_000).padStart(7);
    const colour = { PASS: 'green', FAIL: 'red', SKIPPED: 'yellow' } as const;
    console.log(`${styleText(colour[result], result.padEnd(7))} ${took}  ${title}${note && `: ${note}`}`);
    if (result !== 'FAIL') continue;
    failed++;
    if (essential === true) break;
  }
  return failed;
}

async function resultOf(run: () => Promise<string | undefined>) {
  try {
    return { result: 'PASS', note: (await run()) ?? '' } as const;
  } catch (error) {
    const result = error instanceof Skipped ? 'SKIPPED' : 'FAIL';
    return { result, note: messageOf(error) } as const;
  }
}

/** @throws Error with this message unless the condition holds */
export function expectThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** The last lines of an output, for the message of a step that failed. */
export function endOf(text: string, lines = 8): string {
  return text.trim().split('\n').slice(-lines).join('\n  ');
}
