import type { BenchRun } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import { digits, median, type Section } from './report.ts';

const ROUNDS = 3;
const WARM_UP_S = 3;
const SECONDS = 6;

/** One slot and two slots of a worker with the default engine, in turns. */
export async function measureSlots(bench: BenchRun): Promise<Section> {
  const start = () => BenchSystem.start({ slots: 1, engine: 'jimp', photos: bench.photos });
  const rounds = await bench.during(start, async (system) => {
    const found: { one: number; two: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const [one, two] = [await rateWith(system, 1), await rateWith(system, 2)];
      bench.say(`round ${round}: ${digits(one)} images/s with 1 slot, ${digits(two)} with 2`);
      found.push({ one, two });
    }
    return found;
  });
  return {
    columns: ['1 slot, images/s', '2 slots, images/s', '2 ÷ 1'],
    rows: [
      [
        digits(median(rounds.map(({ one }) => one))),
        digits(median(rounds.map(({ two }) => two))),
        digits(median(rounds.map(({ one, two }) => two / one))),
      ],
    ],
  };
}

async function rateWith(system: BenchSystem, slots: number): Promise<number> {
  for (const worker of system.system.workers) {
    await worker.restartWith({ MAX_CONCURRENT_JOBS: String(slots) });
  }
  return (await system.run(WARM_UP_S, SECONDS)).perSecond;
}
