import { conclude, type Conclusion } from './conclude.ts';
import { differingParts } from './environment.ts';
import { count, list, printable } from './format.ts';
import { groupRuns, type Machine, type MachineRuns, type Test } from './group-runs.ts';
import type { ReadResults } from './read-results.ts';
import { scalingOf, type Scaling } from './scaling.ts';

/** Everything that is known about the results, ready to be shown. */
export interface Analysis {
  readonly machines: readonly AnalysedMachine[];
  /** What was left out or must be known to read the rest, one line each. */
  readonly notices: readonly string[];
}

export interface AnalysedMachine extends Omit<MachineRuns, 'tests'> {
  readonly machine: Machine;
  readonly tests: readonly AnalysedTest[];
}

export interface AnalysedTest extends Test {
  readonly title: string;
  /** Null in other tests than a bulk upload, or with fewer than two numbers of slots. */
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

/** Names the environment of a test in so far as another test differs from it only in that. */
function titleOf(test: Test, tests: readonly Test[]): string {
  const alike = sameButEnvironment(test, tests);
  const parts = differingParts(alike.map(({ environment }) => environment));
  const own = parts.map(({ name, values }) => `${name} ${values[alike.indexOf(test)] ?? 'unknown'}`);
  return TITLES[test.script] + (own.length === 0 ? '' : ` (${printable(own.join(', '))})`);
}

/** One for each script and set of parameters that ran in several environments. */
function environmentNotices(tests: readonly Test[]): string[] {
  const notices = tests.map((test) => {
    const parts = differingParts(sameButEnvironment(test, tests).map(({ environment }) => environment));
    if (parts.length === 0) return '';
    const differences = parts.map(({ name, values }) => `${name} ${list([...new Set(values)])}`);
    return printable(
      `The runs of ${test.script} differ in ${differences.join('; ')}. They do not count as repeats; each group is analysed separately. To see the difference: --compare A B`,
    );
  });
  return [...new Set(notices)].filter((notice) => notice !== '');
}

function sameButEnvironment({ script, parameters }: Test, tests: readonly Test[]): Test[] {
  const key = JSON.stringify([script, parameters]);
  return tests.filter((other) => JSON.stringify([other.script, other.parameters]) === key);
}

/** What `--json` prints: all that is calculated, without the timelines that it was calculated from. */
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
