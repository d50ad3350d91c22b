import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { digits, median, type Section } from './report.ts';

const ROUNDS = 3;
const WARM_UP_S = 3;
const SECONDS = 6;

const SLOTS = [1, 2, 3];

/** One worker with the default engine and different numbers of slots, in turns. */
export async function measureSlots(bench: BenchRun): Promise<Section> {
  const start = () => BenchSystem.start(bench, { slots: 1, engine: 'jimp' });
  const rounds = await bench.during(start, async (system) => {
    const found: number[][] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const rates: number[] = [];
      for (const slots of SLOTS) rates.push(await rateWith(system, slots));
      bench.say(`round ${round}: ${rates.map(digits).join(', ')} images/s with ${SLOTS.join(', ')} slots`);
      found.push(rates);
    }
    return found;
  });
  const cell = (of: (rates: readonly number[]) => number | undefined) =>
    digits(median(rounds.map((rates) => of(rates) ?? Number.NaN)));
  return {
    columns: ['slots', 'images/s', '÷ 1 slot'],
    rows: SLOTS.map((slots, index) => [
      String(slots),
      cell((rates) => rates[index]),
      cell((rates) => (rates[index] ?? Number.NaN) / (rates[0] ?? Number.NaN)),
    ]),
  };
}

async function rateWith(system: BenchSystem, slots: number): Promise<number> {
  for (const worker of system.system.workers) {
    await worker.restartWith({ MAX_CONCURRENT_JOBS: String(slots) });
  }
  return (await system.run(WARM_UP_S, SECONDS)).perSecond;
}
