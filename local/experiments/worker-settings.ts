import type { Draw } from '../../load_test/draw.ts';
import { MAX_WORKERS } from '../supervisor/workers.ts';
import { UserError } from '../user-error.ts';

/** The arguments of `make experiment-workers`; empty ones mean the defaults. */
export interface GivenSettings {
  readonly count: string;
  readonly repeats: string;
  readonly workers: string;
  readonly seed: string;
}

export interface WorkerSettings {
  /** Images of each run. */
  readonly count: number;
  readonly repeats: number;
  /** Numbers of workers, each once, ascending. */
  readonly workers: readonly number[];
  /** Undefined: any. */
  readonly seed: number | undefined;
}

const EXAMPLE = 'make experiment-workers COUNT=100 REPEATS=3 WORKERS_LIST=1,2,3,5 SEED=42';
const MAX_SEED = 0x7fff_ffff;

/** @throws UserError that names the setting, what is allowed, and an example */
export function readWorkerSettings({ count, repeats, workers, seed }: GivenSettings): WorkerSettings {
  const list = (workers || '1,2,3,5').split(',').map((text) => text.trim());
  const numbers = list.map(Number);
  if (!list.every((text) => isBetween(text, 1, MAX_WORKERS))) {
    throw new UserError(
      `WORKERS_LIST is "${workers}" but must be comma-separated numbers from 1 to ${MAX_WORKERS}, for example: ${EXAMPLE}`,
    );
  }
  return {
    count: wholeNumber('COUNT', count || '100', { from: 1, to: 100_000 }),
    repeats: wholeNumber('REPEATS', repeats || '3', { from: 1, to: 100 }),
    workers: [...new Set(numbers)].sort((one, other) => one - other),
    seed: seed === '' ? undefined : wholeNumber('SEED', seed, { from: 0, to: MAX_SEED }),
  };
}

/** One measured setting of the experiment. */
export interface PlannedRun {
  readonly workers: number;
  /** From 1. */
  readonly repeat: number;
}

/**
 * Every number of workers once in each repeat, in an order of chance: what drifts meanwhile, such as the temperature of
 * the machine or other programs, is spread over all of them.
 */
export function planRuns({ workers, repeats }: WorkerSettings, draw: Draw): PlannedRun[] {
  return Array.from({ length: repeats }, (_, index) => index + 1).flatMap((repeat) =>
    shuffled(workers, draw).map((number) => ({ workers: number, repeat })),
  );
}

/** Fisher and Yates: each order is as likely as any other. */
function shuffled<Item>(items: readonly Item[], draw: Draw): Item[] {
  const rest = [...items];
  const order: Item[] = [];
  while (rest.length > 0) order.push(...rest.splice(draw(0, rest.length - 1), 1));
  return order;
}

function wholeNumber(name: string, given: string, { from, to }: { from: number; to: number }): number {
  if (isBetween(given, from, to)) return Number(given);
  throw new UserError(
    `${name} is "${given}" but must be a whole number from ${from} to ${to}, for example: ${EXAMPLE}`,
  );
}

const isBetween = (text: string, from: number, to: number): boolean =>
  /^\d{1,10}$/.test(text) && Number(text) >= from && Number(text) <= to;
