import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchRun } from './bench-run.ts';
import { aroundEngine, BenchSystem, type CpuPerImage } from './bench-system.ts';
import { sequentialJobs } from './latency.ts';
import { digits, median, type Section } from './report.ts';

export const guarantees = ['publisher confirms', 'fsync', 'outcome record'] as const;
export type Guarantee = (typeof guarantees)[number];
const ALL = 'all guarantees';

const ROUNDS = 3;
const WARM_UP_S = 2;
const SECONDS = 4;
const JOBS_ONE_BY_ONE = 20;

interface Measured {
  readonly perSecond: number;
  readonly cpu: CpuPerImage;
  readonly latencyMs: number;
}

/** What each guarantee costs: the system without it, compared with the whole one. In turns, with IMAGE_ENGINE=sharp. */
export async function measureGuarantees(bench: BenchRun): Promise<Section> {
  const variants: readonly string[] = [ALL, ...guarantees];
  const found = new Map<string, Measured[]>(variants.map((variant) => [variant, []]));
  const start = () => BenchSystem.start(bench, { engine: 'sharp' });
  await bench.during(start, async (system) => {
    for (let round = 1; round <= ROUNDS; round++) {
      for (const [variant, measured] of found) {
        await switchOff(variant, system);
        const { perSecond, cpu } = await system.run(WARM_UP_S, SECONDS);
        const latencyMs = median((await sequentialJobs(system, JOBS_ONE_BY_ONE)).map(({ total }) => total));
        bench.say(
          `round ${round}, ${variant === ALL ? ALL : `without ${variant}`}: ${digits(perSecond)} images/s`,
        );
        measured.push({ perSecond, cpu, latencyMs });
      }
    }
  });
  const whole = found.get(ALL) ?? [];
  const change = (measured: readonly Measured[], of: (measured: Measured) => number) =>
    median(measured.map((one, round) => of(one) - of(whole[round] ?? one)));
  return {
    columns: ['system', 'images/s', '÷ whole', 'CPU ms per image', 'time to result, p50'],
    rows: [...found].map(([variant, measured]) => [
      variant === ALL ? ALL : `without ${variant}`,
      digits(median(measured.map(({ perSecond }) => perSecond))),
      digits(
        median(measured.map(({ perSecond }, round) => perSecond / (whole[round]?.perSecond ?? Number.NaN))),
      ),
      variant === ALL ? digits(median(measured.map(totalCpu))) : signed(change(measured, totalCpu)),
      variant === ALL
        ? `${digits(median(measured.map(({ latencyMs }) => latencyMs)))} ms`
        : `${signed(change(measured, ({ latencyMs }) => latencyMs))} ms`,
    ]),
  };
}

async function switchOff(variant: string, { system }: BenchSystem): Promise<void> {
  const loader = pathToFileURL(join(import.meta.dirname, 'switch-off.ts')).href;
  const environment = variant === ALL ? {} : { BENCH_WITHOUT: variant, NODE_OPTIONS: `--import=${loader}` };
  await Promise.all([system.api, ...system.workers].map((service) => service.restartWith(environment)));
}

function totalCpu({ cpu }: Measured): number {
  return cpu.engine + aroundEngine(cpu);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${digits(Math.abs(value))}`;
}
