import { conclude, type Conclusion } from './conclude.ts';
import { count } from './format.ts';
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
  return {
    notices,
    machines: machines.map(({ machine, runs, tests }) => ({
      machine,
      runs,
      tests: tests.map((test) => ({
        ...test,
        title: TITLES[test.script],
        scaling: test.script === 'bulk_upload' ? scalingOf(test) : null,
        conclusions: conclude(test, machine),
      })),
    })),
  };
}

/** What `--json` prints: all that is calculated, without the timelines that it was calculated from. */
export function toJson({ machines, notices }: Analysis): unknown {
  return {
    notices,
    machines: machines.map(({ machine, runs, tests }) => ({
      machine,
      runs: runs.map(({ measures }) => measures),
      tests: tests.map(({ script, title, parameters, settings, interrupted, scaling, conclusions }) => ({
        script,
        title,
        parameters,
        settings: settings.map((setting) => ({
          slots: setting.slots,
          layouts: setting.layouts,
          runs: setting.runs.map(({ measures }) => measures.runId),
        })),
        interrupted: interrupted.map(({ measures }) => measures.runId),
        scaling: scaling && {
          points: scaling.points.map(({ slots, throughput, speedUp, efficiency }) => ({
            slots,
            throughput,
            speedUp,
            efficiency,
          })),
          usl: scaling.usl,
        },
        conclusions,
      })),
    })),
  };
}
