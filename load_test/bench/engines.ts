import { availableParallelism } from 'node:os';
import { BareLoops, type LoopName } from './bare-loops.ts';
import type { BenchRun } from './bench-run.ts';
import { digits, median, type Section } from './report.ts';

const LOOPS = ['plain sharp', 'sharp', 'jimp', 'plain jimp'] as const satisfies readonly LoopName[];
const ROUNDS = 3;
const SECONDS = 4;
const TITLES: Readonly<Record<LoopName, string>> = {
  jimp: 'IMAGE_ENGINE=jimp (default)',
  sharp: 'IMAGE_ENGINE=sharp',
  'plain sharp': 'plain sharp',
  'plain jimp': 'plain jimp',
};

/** The engines alone, in loops: one process per core, in turns. */
export async function measureEngines(bench: BenchRun): Promise<Section> {
  const found = new Map<LoopName, { perSecond: number; cpuMs: number }[]>(LOOPS.map((loop) => [loop, []]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [loop, results] of found) {
      const start = () => BareLoops.start(loop, availableParallelism(), bench.photos);
      const result = await bench.during(start, (loops) => loops.run(SECONDS));
      results.push(result);
      bench.say(`round ${round}, ${TITLES[loop]}: ${digits(result.perSecond)} images/s`);
    }
  }
  const rates = (loop: LoopName) => (found.get(loop) ?? []).map(({ perSecond }) => perSecond);
  const ratio = (loop: LoopName, other: LoopName) =>
    median(rates(loop).map((rate, round) => rate / (rates(other)[round] ?? Number.NaN)));
  return {
    columns: ['loop', 'images/s', 'CPU ms per image', '÷ plain sharp', '÷ plain jimp'],
    rows: [...found].map(([loop, results]) => [
      TITLES[loop],
      digits(median(rates(loop))),
      digits(median(results.map(({ cpuMs }) => cpuMs))),
      digits(ratio(loop, 'plain sharp')),
      digits(ratio(loop, 'plain jimp')),
    ]),
  };
}
