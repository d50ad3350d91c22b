import type { LoadTestResult, Script } from '../result.ts';
import { environmentOf, type Environment } from './environment.ts';
import { count, plain, printable } from './format.ts';
import { measureRun, type Run } from './measure-run.ts';
import type { ResultFile } from './read-results.ts';
import { median } from './statistics.ts';

/** Where runs took place. Runs of two machines are never compared. */
export interface Machine {
  /** `linux-x64, 2 cores, 8 GiB`, with the host where several machines are equal in these. */
  readonly label: string;
  /** Null where it is not known. */
  readonly cores: number | null;
}

export interface MachineRuns {
  readonly machine: Machine;
  /** Of all runs that count, in the order in which they started. */
  readonly runs: readonly Run[];
  readonly tests: readonly Test[];
}

/** Runs that differ only in the workers: one machine, one script, the same parameters, the same environment. */
export interface Test {
  readonly script: Script;
  readonly parameters: LoadTestResult['parameters'];
  readonly environment: Environment;
  /** By number of slots; those whose slots are not known come last. */
  readonly settings: readonly Setting[];
  /** Runs that somebody stopped: they are listed, but they are not comparable. */
  readonly interrupted: readonly Run[];
  /** Runs that lost jobs or could not read some of them: they are listed, but they are not comparable. */
  readonly incomplete: readonly Run[];
}

/** Repeats of the same test with the same number of slots. */
export interface Setting {
  readonly slots: number | null;
  /** `2 × 1`, or several where the same number of slots came from different workers. */
  readonly layouts: readonly string[];
  readonly runs: readonly Run[];
}

/** They say where or as what a test ran, not what it did. */
const NOT_COMPARED = new Set([
  'API',
  'API_URL',
  'EXPERIMENT',
  'MONITORING_URL',
  'NOTIFICATION_URL',
  'PREFIX',
  'REPEAT',
  'RESULTS',
  'RUN_ID',
  'SLOTS',
  'URL',
  'WARM_UP',
  'WORKERS',
]);

export function groupRuns(results: readonly ResultFile[]): { machines: MachineRuns[]; warmUps: number } {
  const counted = results.filter(({ result }) => result.experiment?.warm_up !== true);
  const alike = groupBy(counted.map(measureRun), ({ result }) => machineOf(result).label);
  return { warmUps: results.length - counted.length, machines: alike.flatMap(machinesAmong) };
}

/**
 * Equal machines are told apart by their hosts. A run whose host is not known counts as one of the only known host;
 * where several are known, such runs stay apart.
 */
function machinesAmong(alike: readonly Run[]): MachineRuns[] {
  const hosts = new Set(alike.flatMap(({ result }) => result.host ?? []));
  const byHost = hosts.size < 2 ? [[...alike]] : groupBy(alike, ({ result }) => result.host ?? '');
  return byHost.flatMap((runs) => {
    const [first] = runs;
    if (first === undefined) return [];
    const { label, cores } = machineOf(first.result);
    const host = first.result.host ?? null;
    const suffix = hosts.size < 2 ? '' : `, host ${host === null ? 'unknown' : printable(host.slice(0, 8))}`;
    return [{ machine: { label: label + suffix, cores }, runs, tests: testsOf(runs) }];
  });
}

export function machineOf({ machine }: Pick<LoadTestResult, 'machine'>): Machine {
  if (machine === null) return { label: 'unknown machine', cores: null };
  const { platform, cores, memory_bytes } = machine;
  const memory = plain(memory_bytes / 1024 ** 3);
  return { label: `${printable(platform)}, ${count(cores, 'core')}, ${memory} GiB`, cores };
}

export function comparedParameters({
  parameters,
}: Pick<LoadTestResult, 'parameters'>): [string, string | number][] {
  return Object.entries(parameters)
    .filter(([name]) => !NOT_COMPARED.has(name.toUpperCase()))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The run in the middle by throughput: it stands for its setting where only one can be shown. */
export function typicalRun({ runs }: Setting): Run | undefined {
  const sorted = [...runs].sort((one, other) => one.measures.throughput - other.measures.throughput);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** NaN where no run has the value. */
export function medianOf({ runs }: Setting, value: (run: Run) => number | null | undefined): number {
  return median(valuesOf(runs, value));
}

export function valuesOf(runs: readonly Run[], value: (run: Run) => number | null | undefined): number[] {
  return runs.map(value).filter((number) => number !== null && number !== undefined);
}

/** `3 slots (3 × 1)` */
export function slotsOf({ slots, layouts }: Pick<Setting, 'slots' | 'layouts'>): string {
  return slots === null ? 'an unknown number of slots' : `${count(slots, 'slot')} (${layouts.join(', ')})`;
}

function testsOf(runs: readonly Run[]): Test[] {
  const key = ({ result }: Run) =>
    JSON.stringify([result.script, comparedParameters(result), environmentOf(result)]);
  return groupBy(runs, key).flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const interrupted = same.filter(({ result }) => result.stopped === 'interrupted');
    const whole = same.filter(({ result }) => result.stopped !== 'interrupted');
    const incomplete = whole.filter(isIncomplete);
    const complete = whole.filter((run) => !isIncomplete(run));
    const settings = groupBy(complete, ({ measures }) => String(measures.slots)).map((repeats) => ({
      slots: repeats[0]?.measures.slots ?? null,
      layouts: [...new Set(repeats.map(({ measures }) => measures.layout))].sort(),
      runs: repeats,
    }));
    settings.sort((one, other) => (one.slots ?? Infinity) - (other.slots ?? Infinity));
    const parameters = Object.fromEntries(comparedParameters(first.result));
    const environment = environmentOf(first.result);
    return [{ script: first.result.script, parameters, environment, settings, interrupted, incomplete }];
  });
}

function isIncomplete({ measures }: Run): boolean {
  return measures.lost > 0 || measures.unread > 0;
}

function groupBy<Value>(values: readonly Value[], key: (value: Value) => string): Value[][] {
  return [...Map.groupBy(values, key).values()];
}
