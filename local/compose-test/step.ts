import { styleText } from 'node:util';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { duration } from '../terminal/duration.ts';
import type { Stack } from './stack.ts';

/** One thing that is tried; a throw means that it failed, the text that is returned stands behind its line. */
export interface Step {
  readonly title: string;
  readonly run: (stack: Stack) => Promise<string | undefined>;
  /** Without it, nothing after it makes sense. */
  readonly essential?: boolean;
}

/** Thrown by a step that needs what is not there. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** A step that belongs here and cannot be walked yet. */
export function skipped(title: string, because: string): Step {
  return { title, run: () => Promise.reject(new Skipped(because)) };
}

/** Walks the steps, a line each. Returns how many failed. */
export async function walk(steps: readonly Step[], stack: Stack): Promise<number> {
  let failed = 0;
  for (const { title, run, essential } of steps) {
    const since = performance.now();
    const { verdict, note } = await outcomeOf(() => run(stack));
    const took = duration((performance.now() - since) / 1_000).padStart(7);
    const colour = { PASS: 'green', FAIL: 'red', SKIPPED: 'yellow' } as const;
    console.log(`${styleText(colour[verdict], verdict.padEnd(7))} ${took}  ${title}${note && `: ${note}`}`);
    if (verdict !== 'FAIL') continue;
    failed++;
    if (essential === true) break;
  }
  return failed;
}

async function outcomeOf(run: () => Promise<string | undefined>) {
  try {
    return { verdict: 'PASS', note: (await run()) ?? '' } as const;
  } catch (error) {
    const verdict = error instanceof Skipped ? 'SKIPPED' : 'FAIL';
    return { verdict, note: messageOf(error) } as const;
  }
}
