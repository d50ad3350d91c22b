import { conclude, type Conclusion } from './conclude.ts';
import { count, list } from './format.ts';
import { differingParts, groupRuns, type Machine, type MachineRuns, type Test } from './group-runs.ts';
import type { ReadResults } from './read-results.ts';
import { type Scaling, scalingOf } from './scaling.ts';

/** The analysis of all results. */
export interface Analysis {
  readonly machines: readonly AnalysedMachine[];
  /** Notes about the analysis, such as skipped files, one line each. */
  readonly notices: readonly string[];
}

export interface AnalysedMachine extends Omit<MachineRuns, 'tests'> {
  readonly machine: Machine;
  readonly tests: readonly AnalysedTest[];
}

export interface AnalysedTest extends Test {
  readonly title: string;
  /** Null if the test is not a bulk upload, or has fewer than two numbers of slots. */
  readonly scaling: Scaling | null;
  readonly conclusions: readonly Conclusion[];
}

const TITLES = { bulk_upload: 'Bulk upload', burst_test: 'Bursts', capacity_test: 'Capacity' } as const;

export function analyse({ results, skipped }: ReadResults): Analysis {
  const { machines, warmUps } = groupRuns(results);
  const notices = [...skipped];
  if (warmUps > 0) notices.push(`${count(warmUps, 'warm-up run is', 'warm-up runs are')} not analysed.`);
  if (machines.length > 1) {
    notices.push(
      `The results come from ${machines.length} machines (${machines.map(({ machine }) => machine.label).join('; ')}). Each is analysed separately; results of different machines are never compared.`,
    );
  }
  for (const { tests } of machines) notices.push(...environmentNotices(tests));
  return {
    notices,
    machines: machines.map(({ machine, runs, tests }) => ({
      machine,
      runs,
      tests: tests.map((test) => ({
        ...test,
        title: titleOf(test, tests),
        scaling: test.script === 'bulk_upload' ? scalingOf(test) : null,
        conclusions: conclude(test, machine),
      })),
    })),
  };
}

/** Includes the environment if another test differs only in that. */
function titleOf(test: Test, tests: readonly Test[]): string {
  const same = sameButEnvironment(test, tests);
  const parts = differingParts(same.map(({ environment }) => environment));
  const own = parts.map(({ name, values }) => `${name} ${values[same.indexOf(test)] ?? 'unknown'}`);
  return TITLES[test.script] + (own.length === 0 ? '' : ` (${own.join(', ')})`);
}

/** One notice per script and parameters that ran in several environments. */
function environmentNotices(tests: readonly Test[]): string[] {
  const notices = tests.map((test) => {
    const parts = differingParts(sameButEnvironment(test, tests).map(({ environment }) => environment));
    if (parts.length === 0) return '';
    const differences = parts.map(({ name, values }) => `${name} ${list([...new Set(values)])}`);
    return `The runs of ${test.script} differ in ${differences.join('; ')}. They do not count as repeats; each group is analysed separately. To see the difference: --compare A B`;
  });
  return [...new Set(notices)].filter((notice) => notice !== '');
}

function sameButEnvironment({ script, parameters }: Test, tests: readonly Test[]): Test[] {
  const key = JSON.stringify([script, parameters]);
  return tests.filter((other) => JSON.stringify([other.script, other.parameters]) === key);
}

/** The output of `--json`: all metrics, without the timelines of the jobs. */
export function toJson({ machines, notices }: Analysis): unknown {
  return {
    notices,
    machines: machines.map(({ machine, runs, tests }) => ({
      machine,
      runs: runs.map(({ measures }) => measures),
      tests: tests.map(({ script, title, parameters, environment, settings, ...test }) => ({
        script,
        title,
        parameters,
        environment,
        settings: settings.map((setting) => ({
          slots: setting.slots,
          layouts: setting.layouts,
          runs: setting.runs.map(({ measures }) => measures.runId),
        })),
        interrupted: test.interrupted.map(({ measures }) => measures.runId),
        incomplete: test.incomplete.map(({ measures }) => measures.runId),
        scaling: test.scaling && {
          points: test.scaling.points.map(({ slots, throughput, speedUp, efficiency }) => ({
            slots,
            throughput,
            speedUp,
            efficiency,
          })),
          usl: test.scaling.usl,
        },
        conclusions: test.conclusions,
      })),
    })),
  };
}
