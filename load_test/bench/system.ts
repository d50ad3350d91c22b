import { availableParallelism } from 'node:os';
import type { EngineName } from '../../worker/engine/engine.ts';
import { BareLoops } from './bare-loops.ts';
import type { BenchRun } from './bench-run.ts';
import { aroundEngine, BenchSystem, type BenchSystemOptions, type CpuPerImage } from './bench-system.ts';
import { digits, median, type Section } from './report.ts';

const ENGINES = ['jimp', 'sharp'] as const satisfies readonly EngineName[];
const ROUNDS = 3;
const WARM_UP_S = 6;
/** Until the queue is filled again. */
const RAMP_UP_S = 1;
const SECONDS = 8;
const LOOP_SECONDS = 4;

/** The whole system compared with bare loops of its engine, and the CPU time of each process. */
export async function measureSystem(bench: BenchRun): Promise<Section> {
  const rows: string[][] = [];
  for (const engine of ENGINES) rows.push(await compareWithLoop(bench, engine, `IMAGE_ENGINE=${engine}`, {}));
  return { columns: ['system', ...SYSTEM_COLUMNS], rows };
}

export const SYSTEM_COLUMNS = [
  'images/s',
  '÷ bare loop',
  'CPU ms per image: engine',
  'worker',
  'API',
  'notification',
  'monitoring',
  'broker',
  'all but the engine',
];

/** @returns a row: the title, and the cells of SYSTEM_COLUMNS */
export async function compareWithLoop(
  bench: BenchRun,
  engine: EngineName,
  title: string,
  options: Pick<BenchSystemOptions, 'environment'>,
): Promise<string[]> {
  const { photos } = bench;
  const rounds: { perSecond: number; ratio: number; cpu: CpuPerImage }[] = [];
  const startSystem = () => BenchSystem.start(bench, { engine, ...options });
  await bench.during(startSystem, (system) =>
    bench.during(
      () => BareLoops.start(engine, availableParallelism(), photos),
      async (loops) => {
        for (let round = 1; round <= ROUNDS; round++) {
          const { perSecond, cpu } = await system.run(round === 1 ? WARM_UP_S : RAMP_UP_S, SECONDS);
          const loop = await loops.run(LOOP_SECONDS);
          rounds.push({ perSecond, ratio: perSecond / loop.perSecond, cpu });
          bench.say(
            `round ${round}, ${title}: system ${digits(perSecond)}, bare loop ${digits(loop.perSecond)} images/s`,
          );
        }
      },
    ),
  );
  const cpu = (of: (cpu: CpuPerImage) => number) => digits(median(rounds.map((round) => of(round.cpu))));
  return [
    title,
    digits(median(rounds.map(({ perSecond }) => perSecond))),
    digits(median(rounds.map(({ ratio }) => ratio))),
    cpu(({ engine }) => engine),
    cpu(({ worker }) => worker),
    cpu(({ api }) => api),
    cpu(({ notification }) => notification),
    cpu(({ monitoring }) => monitoring),
    cpu(({ broker }) => broker),
    cpu(aroundEngine),
  ];
}
