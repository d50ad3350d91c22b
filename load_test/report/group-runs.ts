import type { LoadTestResult, Script } from '../result.ts';
import { count, list, plain } from './format.ts';
import { measureRun, type Run } from './measure-run.ts';
import type { ResultFile } from './read-results.ts';
import { median } from './statistics.ts';

/** The machine of a run. Runs of different machines are never compared. */
export interface Machine {
  /** `linux-x64, 2 cores, 8 GiB`, with the host if several machines have the same label. */
  readonly label: string;
  /** Null: unknown. */
  readonly cores: number | null;
}

export interface MachineRuns {
  readonly machine: Machine;
  /** All runs except warm-ups, in the order of their starts. */
  readonly runs: readonly Run[];
  readonly tests: readonly Test[];
}

/** Runs that differ only in the workers: one machine, one script, the same parameters, the same environment. */
export interface Test {
  readonly script: Script;
  readonly parameters: LoadTestResult['parameters'];
  readonly environment: Environment;
  /** By number of slots; unknown ones last. */
  readonly settings: readonly Setting[];
  /** Interrupted runs: listed, but not compared. */
  readonly interrupted: readonly Run[];
  /** Runs with lost or unread jobs: listed, but not compared. */
  readonly incomplete: readonly Run[];
}

/** Repeats of the same test with the same number of slots. */
export interface Setting {
  readonly slots: number | null;
  /** `2 × 1` (workers × slots); several if different numbers of workers had the same number of slots. */
  readonly layouts: readonly string[];
  readonly runs: readonly Run[];
}

/** Parameters that do not change what a test does. */
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
  const sameLabel = groupBy(counted.map(measureRun), ({ result }) => machineOf(result).label);
  return { warmUps: results.length - counted.length, machines: sameLabel.flatMap(machinesAmong) };
}

/**
 * Equal machines are distinguished by their hosts. A run with an unknown host belongs to the only known host; if several are
 * known, such runs are a group of their own.
 */
function machinesAmong(alike: readonly Run[]): MachineRuns[] {
  const hosts = new Set(alike.flatMap(({ result }) => result.host ?? []));
  const byHost = groupBy(alike, ({ result }) => (hosts.size < 2 ? '' : (result.host ?? '')));
  return byHost.flatMap((runs) => {
    const [first] = runs;
    if (first === undefined) return [];
    const { label, cores } = machineOf(first.result);
    const host = first.result.host ?? null;
    const suffix = hosts.size < 2 ? '' : `, host ${host === null ? 'unknown' : host.slice(0, 8)}`;
    return [{ machine: { label: label + suffix, cores }, runs, tests: testsOf(runs) }];
  });
}

function machineOf({ machine }: Pick<LoadTestResult, 'machine'>): Machine {
  if (machine === null) return { label: 'unknown machine', cores: null };
  const { platform, cores, memory_bytes } = machine;
  const memory = plain(memory_bytes / 1024 ** 3);
  return { label: `${platform}, ${count(cores, 'core')}, ${memory} GiB`, cores };
}

export function comparedParameters({ parameters }: Pick<Test, 'parameters'>): [string, string | number][] {
  return Object.entries(parameters)
    .filter(([name]) => !NOT_COMPARED.has(name.toUpperCase()))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The run with the median throughput, which represents the setting in charts. */
export function typicalRun({ runs }: Setting): Run | undefined {
  const sorted = [...runs].sort((one, other) => one.throughput - other.throughput);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** NaN if no run has the value. */
export function medianOf({ runs }: Setting, value: (run: Run) => number | null | undefined): number {
  return median(valuesOf(runs, value));
}

/** Without the runs that do not have the value. */
export function valuesOf(runs: readonly Run[], value: (run: Run) => number | null | undefined): number[] {
  return runs.flatMap((run) => value(run) ?? []);
}

export function throughputOf(setting: Setting): number {
  return medianOf(setting, (run) => run.throughput);
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
    const settings = groupBy(complete, (run) => String(run.slots)).map((repeats) => ({
      slots: repeats[0]?.slots ?? null,
      layouts: [...new Set(repeats.map((run) => run.layout))].sort(),
      runs: repeats,
    }));
    settings.sort((one, other) => (one.slots ?? Infinity) - (other.slots ?? Infinity));
    const parameters = Object.fromEntries(comparedParameters(first.result));
    const environment = environmentOf(first.result);
    return [{ script: first.result.script, parameters, environment, settings, interrupted, incomplete }];
  });
}

function isIncomplete(run: Run): boolean {
  return run.lost > 0 || run.unread > 0;
}

function groupBy<Value>(values: readonly Value[], key: (value: Value) => string): Value[][] {
  return [...Map.groupBy(values, key).values()];
}

/** The environment of the pipeline; null: unknown. The version of k6 is not part of it. */
interface Environment {
  /** `compose` or `local` */
  readonly runtime: string | null;
  readonly pipeline: string | null;
  readonly node: string | null;
  readonly rabbitmq: string | null;
}

function environmentOf({
  runtime = null,
  versions: { pipeline, node, rabbitmq },
}: LoadTestResult): Environment {
  return { runtime, pipeline, node, rabbitmq };
}

/** The display name of a part of the environment, and its value in each of several environments. */
interface EnvironmentPart {
  readonly name: string;
  readonly values: readonly string[];
}

export function environmentParts(environments: readonly Environment[]): EnvironmentPart[] {
  const part = (name: string, value: (environment: Environment) => string | null) => ({
    name,
    values: environments.map((environment) => value(environment) ?? 'unknown'),
  });
  return [
    part('runtime', ({ runtime }) => runtime),
    part('pipeline', ({ pipeline }) => pipeline),
    part('Node.js', ({ node }) => node),
    part('RabbitMQ', ({ rabbitmq }) => rabbitmq),
  ];
}

export function differingParts(environments: readonly Environment[]): EnvironmentPart[] {
  return environmentParts(environments).filter(({ values }) => new Set(values).size > 1);
}

/** `runtime compose and local; RabbitMQ 4.1.0 and 4.2.0`; empty if the environments are the same. */
export function differencesOf(environments: readonly Environment[]): string {
  return differingParts(environments)
    .map(({ name, values }) => `${name} ${list([...new Set(values)])}`)
    .join('; ');
}

const TITLES = { bulk_upload: 'Bulk upload', burst_test: 'Bursts', capacity_test: 'Capacity' } as const;

/** Includes the environment if another test differs only in that. */
export function titleOf(test: Test, tests: readonly Test[]): string {
  const same = sameButEnvironment(test, tests);
  const parts = differingParts(same.map(({ environment }) => environment));
  const own = parts.map(({ name, values }) => `${name} ${values[same.indexOf(test)] ?? 'unknown'}`);
  return TITLES[test.script] + (own.length === 0 ? '' : ` (${own.join(', ')})`);
}

/** One notice per script and parameters that ran in several environments. */
export function environmentNotices(tests: readonly Test[]): string[] {
  const notices = tests.map((test) => {
    const differences = differencesOf(sameButEnvironment(test, tests).map(({ environment }) => environment));
    return differences === ''
      ? ''
      : `The runs of ${test.script} differ in ${differences}. They do not count as repeats; each group is analysed separately. To see the difference: --compare A B`;
  });
  return [...new Set(notices)].filter((notice) => notice !== '');
}

function sameButEnvironment({ script, parameters }: Test, tests: readonly Test[]): Test[] {
  const key = JSON.stringify([script, parameters]);
  return tests.filter((other) => JSON.stringify([other.script, other.parameters]) === key);
}
