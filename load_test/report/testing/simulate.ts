import { drawFrom, type Draw } from '../../draw.ts';
import type { JobRecord, LoadTestResult, Sample } from '../../result.ts';

/** Workers on a machine, and their load. */
interface Simulation {
  readonly seed: number;
  readonly workers: number;
  /** Slots of each worker. */
  readonly slots: number;
  readonly cores: number;
  /** Mean core seconds per job; each job needs between 50 % and 150 % of it. */
  readonly work: number;
  /** Additional share of core seconds per other busy slot. */
  readonly overhead: number;
  /** Share (0 to 1) of the jobs that fail. */
  readonly failing: number;
}

interface Arrival {
  /** Seconds since the start. */
  readonly at: number;
  readonly group: number | null;
}

const START = Date.UTC(2026, 10, 29, 4, 0, 0);

/**
 * A discrete-event simulation: jobs wait in one queue, each free slot takes the next, and the busy slots share the
 * cores equally. With more busy slots than cores, jobs take longer, so scaling curves become flat like real ones.
 */
function simulateJobs(simulation: Simulation, arrivals: readonly Arrival[], start = START): JobRecord[] {
  const { seed, workers, slots, cores, work, overhead, failing } = simulation;
  const draw = drawFrom(seed);
  const waiting: { arrival: Arrival; id: number }[] = [];
  const running: { arrival: Arrival; id: number; worker: number; started: number; left: number }[] = [];
  const jobs: JobRecord[] = [];
  const pending = arrivals
    .map((arrival, id) => ({ arrival, id }))
    .sort((a, b) => a.arrival.at - b.arrival.at);
  let now = 0;
  while (pending.length + waiting.length + running.length > 0) {
    while (waiting.length > 0 && running.length < workers * slots) {
      const next = waiting.shift();
      if (next === undefined) break;
      running.push({
        ...next,
        worker: freest(running, workers, slots),
        started: now,
        left: work * share(draw, 0.5, 1.5),
      });
    }
    const speed = Math.min(1, cores / running.length) / (1 + overhead * Math.max(0, running.length - 1));
    const nextEnd = now + Math.min(...running.map(({ left }) => left)) / speed;
    const nextArrival = pending[0]?.arrival.at ?? Infinity;
    const until = Math.min(nextEnd, nextArrival);
    for (const job of running) job.left -= (until - now) * speed;
    now = until;
    while ((pending[0]?.arrival.at ?? Infinity) <= now) waiting.push(...pending.splice(0, 1));
    for (const job of running.filter(({ left }) => left < 1e-9)) {
      running.splice(running.indexOf(job), 1);
      const failed = share(draw, 0, 1) < failing;
      jobs.push({
        job_id: `job-${seed}-${job.id}`,
        image: 'sample.jpg',
        state: failed ? 'failed' : 'completed',
        group: job.arrival.group,
        queued_at: iso(start, job.arrival.at),
        started_at: iso(start, job.started),
        ended_at: iso(start, now),
        worker: `worker-${job.worker + 1}`,
        attempts: 1,
        error: failed ? 'undecodable_image' : null,
      });
    }
  }
  return jobs;
}

/** The samples of monitoring, one per second. */
function sample(simulation: Simulation, jobs: readonly JobRecord[], start: number): Sample[] {
  const times = (of: (job: JobRecord) => string | null) => jobs.map((job) => Date.parse(of(job) ?? ''));
  const [queued, started] = [times((job) => job.queued_at), times((job) => job.started_at)];
  const [ended, failed] = [
    times((job) => job.ended_at),
    times(({ state, ended_at }) => (state === 'failed' ? ended_at : null)),
  ];
  const slots = simulation.workers * simulation.slots;
  const samples: Sample[] = [];
  for (let at = start; at <= Math.max(...ended) + 1_000; at += 1_000) {
    const before = (moments: readonly number[]) => moments.filter((moment) => moment <= at).length;
    const busy = before(started) - before(ended);
    const waiting = before(queued) - before(started);
    samples.push({
      at: new Date(at).toISOString(),
      queued: waiting,
      processing: busy,
      retrying: 0,
      ready: waiting,
      slots,
      busy,
      utilisation: busy / slots,
      completed: before(ended) - before(failed),
      failed: before(failed),
    });
  }
  return samples;
}

const base: Simulation = { seed: 1, workers: 1, slots: 1, cores: 2, work: 0.3, overhead: 0.02, failing: 0 };

type Changes = Partial<LoadTestResult>;

/** A result of a bulk upload of `count` images, 50 per second. */
export function simulateBulk(
  changes: Partial<Simulation> = {},
  count = 100,
  result: Changes = {},
): LoadTestResult {
  const arrivals = Array.from({ length: count }, (_, i) => ({ at: i / 50, group: null }));
  return resultOf({ ...base, ...changes }, arrivals, {
    script: 'bulk_upload',
    parameters: { COUNT: count, VUS: 10, IMAGES: 'test_images', OPERATIONS: 'resize,watermark' },
    ...result,
  });
}

/** Bursts of `size` images, sent within a fifth of a second every `interval` seconds. */
export function simulateBursts(
  changes: Partial<Simulation> = {},
  { size = 50, interval = 15, rounds = 4 } = {},
  result: Changes = {},
): LoadTestResult {
  const numbers = Array.from({ length: rounds }, (_, i) => i + 1);
  const arrivals = numbers.flatMap((group) =>
    Array.from({ length: size }, (_, i) => ({ at: (group - 1) * interval + (i / size) * 0.2, group })),
  );
  const start = Date.parse(result.started_at ?? new Date(START).toISOString());
  return resultOf({ ...base, ...changes }, arrivals, {
    script: 'burst_test',
    parameters: { BURST: size, INTERVAL: interval, ROUNDS: rounds, OPERATIONS: 'resize,watermark' },
    bursts: numbers.map((number) => ({ number, size, at: iso(start, (number - 1) * interval) })),
    ...result,
  });
}

/** Steps of ten seconds. k6 drops the uploads of a step that its 40 virtual users cannot send. */
export function simulateCapacity(
  changes: Partial<Simulation> = {},
  rates: readonly number[] = [2, 4, 6, 8, 10],
  result: Changes = {},
): LoadTestResult {
  const simulation = { ...base, ...changes };
  const seconds = 10;
  let arrivals: Arrival[] = [];
  const steps = rates.map((rate, i) => {
    const asked = Array.from({ length: rate * seconds }, (_, k) => ({
      at: i * seconds + k / rate,
      group: i + 1,
    }));
    let dropped = 0;
    for (const arrival of asked) {
      const capacity = Math.min(simulation.cores, simulation.workers * simulation.slots) / simulation.work;
      const open = arrivals.length - Math.min(arrivals.length, capacity * arrival.at);
      if (open < 40) arrivals = [...arrivals, arrival];
      else dropped++;
    }
    return { number: i + 1, rate, seconds, dropped };
  });
  return resultOf(simulation, arrivals, {
    script: 'capacity_test',
    parameters: {
      FROM: rates[0] ?? 0,
      TO: rates.at(-1) ?? 0,
      STEP_SECONDS: seconds,
      OPERATIONS: 'resize,watermark',
    },
    steps,
    stopped: steps.some(({ dropped }) => dropped > 0) ? 'saturated' : 'finished',
    ...result,
  });
}

function resultOf(simulation: Simulation, arrivals: readonly Arrival[], changes: Changes): LoadTestResult {
  const start = Date.parse(changes.started_at ?? new Date(START).toISOString());
  const jobs = changes.jobs ?? simulateJobs(simulation, arrivals, start);
  const { seed, workers, slots, cores } = simulation;
  return {
    version: 1,
    script: 'bulk_upload',
    run_id: `run-${workers}x${slots}-${seed}`,
    parameters: {},
    experiment: null,
    started_at: new Date(start).toISOString(),
    ended_at: new Date(
      Math.max(start, ...jobs.map((job) => Date.parse(job.ended_at ?? job.queued_at))),
    ).toISOString(),
    stopped: 'finished',
    api_url: 'http://localhost:8000',
    machine: { platform: 'linux-x64', cores, memory_bytes: 8 * 1024 ** 3, load_average: 0.2 },
    versions: { pipeline: '0.1.0', node: '24.21.0', rabbitmq: '4.1.0', k6: '1.1.0' },
    workers: Array.from({ length: workers }, (_, i) => ({ name: `worker-${i + 1}`, slots })),
    uploads: {
      sent: arrivals.length,
      accepted: arrivals.length,
      refused: {},
      seconds: { p50: 0.02, p95: 0.05, p99: 0.08, mean: 0.025 },
    },
    jobs,
    lost: 0,
    bursts: [],
    steps: [],
    samples: jobs.length === 0 ? [] : sample(simulation, jobs, start),
    ...changes,
  };
}

/** 1, 2, 3 and 5 workers, three repeats each, one after the other; every repeat is a little faster or slower. */
export function simulateExperiment(
  workerCounts: readonly number[] = [1, 2, 3, 5],
  count = 100,
): LoadTestResult[] {
  let at = START;
  return workerCounts.flatMap((workers) =>
    [1, 2, 3].map((repeat) => {
      const seed = workers * 10 + repeat;
      const result = simulateBulk({ workers, seed, work: 0.3 * share(drawFrom(seed), 0.96, 1.04) }, count, {
        run_id: `bulk-${workers}-${repeat}`,
        started_at: new Date(at).toISOString(),
        experiment: { name: 'workers', repeat, warm_up: false },
      });
      at = Date.parse(result.ended_at) + 5_000;
      return result;
    }),
  );
}

function freest(running: readonly { worker: number }[], workers: number, slots: number): number {
  const busy = Array.from({ length: workers }, (_, i) => running.filter(({ worker }) => worker === i).length);
  const least = Math.min(...busy);
  return least < slots ? busy.indexOf(least) : 0;
}

function share(draw: Draw, from: number, to: number): number {
  return from + (draw(0, 1_000_000) / 1_000_000) * (to - from);
}

function iso(start: number, seconds: number): string {
  return new Date(start + Math.round(seconds * 1_000)).toISOString();
}
