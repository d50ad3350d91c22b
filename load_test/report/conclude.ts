import { concludeBursts, concludeCapacity } from './conclude-overload.ts';
import { concludeBulk } from './conclude-scaling.ts';
import { count, list, percent, whole } from './format.ts';
import {
  environmentNotices,
  groupRuns,
  type Machine,
  type MachineRuns,
  type Setting,
  slotsOf,
  type Test,
  titleOf,
} from './group-runs.ts';
import { type LittlesLaw, type Run, totalsByCode } from './measure-run.ts';
import type { ReadResults } from './read-results.ts';
import { type Scaling, scalingOf } from './scaling.ts';
import { median, sum } from './statistics.ts';

/** A conclusion from the runs, in words. */
export interface Conclusion {
  /** A stable identifier for programs. */
  readonly kind: string;
  readonly tone: 'good' | 'note' | 'problem';
  readonly text: string;
  /** A short version, if it may be the headline of the report. */
  readonly headline?: string;
}

/** The analysis of all results. */
export interface Analysis {
  readonly machines: readonly AnalysedMachine[];
  /** Notes about the analysis, such as skipped files, one line each. */
  readonly notices: readonly string[];
}

export interface AnalysedMachine extends Omit<MachineRuns, 'tests'> {
  readonly tests: readonly AnalysedTest[];
}

export interface AnalysedTest extends Test {
  readonly title: string;
  /** Null if the test is not a bulk upload, or has fewer than two numbers of slots. */
  readonly scaling: Scaling | null;
  readonly conclusions: readonly Conclusion[];
}

/** Groups the runs into tests, and concludes from each test. */
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
  const analysed = machines.map(({ machine, runs, tests }) => ({
    machine,
    runs,
    tests: tests.map((test) => ({
      ...test,
      title: titleOf(test, tests),
      scaling: test.script === 'bulk_upload' ? scalingOf(test) : null,
      conclusions: conclude(test, machine),
    })),
  }));
  return { notices, machines: analysed };
}

/** The conclusions of one test, the most serious first. */
export function conclude(test: Test, machine: Machine): Conclusion[] {
  const runs = [...test.settings.flatMap((setting) => setting.runs), ...test.incomplete];
  const about = {
    bulk_upload: () => concludeBulk(test, machine),
    burst_test: () => test.settings.flatMap(concludeBursts),
    capacity_test: () => test.settings.flatMap(concludeCapacity),
  }[test.script];
  return [...concludeFailures(runs), ...about(), ...concludeQuality(test)];
}

/** Jobs that could not be read, were lost or failed, and refused uploads. */
function concludeFailures(runs: readonly Run[]): Conclusion[] {
  const total = (value: (run: Run) => number) => sum(runs.map(value));
  const accepted = total((run) => run.uploads.accepted);
  const lost = total((run) => Math.max(run.lost, run.counts.open));
  const failed = total((run) => run.counts.failed);
  const refused = total((run) => sum(Object.values(run.refused)));
  const conclusions = concludeUnread(runs.filter(({ unread }) => unread > 0));
  if (lost > 0) {
    const [pronoun, are] = lost === 1 ? ['it', 'it is'] : ['them', 'they are'];
    conclusions.push({
      kind: 'jobs-lost',
      tone: 'problem',
      headline: `${count(lost, 'accepted job')} did not end`,
      text: `${whole(lost)} of ${count(accepted, 'accepted job')} did not end while k6 waited for ${pronoun}. Check whether ${are} still in progress: make monitor`,
    });
  }
  if (failed > 0) {
    const codes = codeList(runs.map(({ failures }) => failures));
    const text = `${whole(failed)} of ${count(accepted, 'accepted job')} failed: ${codes}.`;
    conclusions.push({ kind: 'jobs-failed', tone: 'problem', text });
  }
  if (refused > 0) {
    const codes = codeList(runs.map((run) => run.refused));
    const sent = count(
      total((run) => run.uploads.sent),
      'upload',
    );
    const text = `${whole(refused)} of ${sent} were refused: ${codes}.`;
    conclusions.push({ kind: 'uploads-refused', tone: 'problem', text });
  }
  if (conclusions.length === 0 && accepted > 0 && total((run) => run.counts.completed) === accepted) {
    const every = accepted === 1 ? 'The accepted job' : `All ${count(accepted, 'accepted job')}`;
    const text = `${every} completed; no upload was refused.`;
    conclusions.push({ kind: 'all-completed', tone: 'good', text });
  }
  return conclusions;
}

/** @param runs those with jobs whose status could not be read */
function concludeUnread(runs: readonly Run[]): Conclusion[] {
  if (runs.length === 0) return [];
  const unread = sum(runs.map((run) => run.unread));
  const accepted = count(sum(runs.map((run) => run.uploads.accepted)), 'accepted job');
  const [these, pronoun] = runs.length === 1 ? ['this run', 'it'] : [`these ${runs.length} runs`, 'them'];
  return [
    {
      kind: 'jobs-unread',
      tone: 'problem',
      headline: `${count(unread, 'accepted job')} could not be read`,
      text: `${whole(unread)} of ${accepted} could not be read; the numbers of ${these} are incomplete. Check that the API responds, then repeat ${pronoun}.`,
    },
  ];
}

/** `undecodable_image 3, timeout 1` */
function codeList(counts: readonly Readonly<Record<string, number>>[]): string {
  return totalsByCode(counts)
    .map(([code, number]) => `${code} ${whole(number)}`)
    .join(', ');
}

/** If repeats differ by more than this share of their median, the result is called noisy. */
const NOISY_SPREAD = 0.2;

/** Limits of the conclusions. */
function concludeQuality({ settings, interrupted, incomplete, script }: Test): Conclusion[] {
  const conclusions: Conclusion[] = [];
  const note = (kind: string, text: string) => conclusions.push({ kind, tone: 'note', text });
  const noisy = settings.filter(({ runs }) => {
    const values = runs.map((run) => run.throughput);
    return runs.length > 1 && (Math.max(...values) - Math.min(...values)) / median(values) > NOISY_SPREAD;
  });
  if (noisy.length > 0) {
    note(
      'noisy',
      `The throughput of the repeats with ${list(noisy.map(slotsOf))} differs by more than ${percent(NOISY_SPREAD)}: other programs probably used the machine.`,
    );
  }
  if (script === 'bulk_upload' && settings.length > 1 && settings.some(({ runs }) => runs.length === 1)) {
    note(
      'noise-unknown',
      'Some numbers of slots were tested once, so their noise is unknown. Run three repeats of each: make experiment-workers',
    );
  }
  if (settings.length > 1 && settings.some(({ slots }) => slots === null)) {
    note(
      'slots-unknown',
      'For some runs the number of slots is unknown, because monitoring did not respond. They are not part of the scaling curve.',
    );
  }
  if (incomplete.length > 0) {
    const [is, appears] = incomplete.length === 1 ? ['is', 'appears'] : ['are', 'appear'];
    note(
      'incomplete',
      `${count(incomplete.length, 'run')} with lost or unread jobs ${is} left out of charts, scaling and comparisons, and only ${appears} in the table of all runs.`,
    );
  }
  if (interrupted.length > 0) {
    const [were, appears] = interrupted.length === 1 ? ['run was', 'appears'] : ['runs were', 'appear'];
    note(
      'interrupted',
      `${whole(interrupted.length)} ${were} interrupted and only ${appears} in the table of all runs.`,
    );
  }
  return conclusions;
}

/** Below this relative difference, the two sides agree. */
const AGREES = 0.1;

/** What the check of Little's law means and whether it holds in these runs; one paragraph each. */
export function explainLittlesLaw(settings: readonly Setting[]): string[] {
  const laws = settings.flatMap(({ runs }) => runs.flatMap((run) => run.littlesLaw ?? []));
  const offBy = (value: (law: LittlesLaw) => number | null) =>
    laws.flatMap((law) => {
      const measured = value(law);
      return measured === null || law.expected === 0 ? [] : [Math.abs(measured / law.expected - 1)];
    });
  const [timelines, monitoring] = [offBy(({ inSystem }) => inSystem), offBy(({ sampled }) => sampled)];
  const paragraphs = [
    'L = λW: the mean number of jobs in the system (L) is the rate at which they leave (λ) times the mean time that each stays (W), for any order and any workload, provided that every job that enters also leaves. If the two sides differ, a measurement is wrong or jobs are missing.',
  ];
  const worst = Math.max(0, ...timelines);
  paragraphs.push(
    worst < 0.005
      ? 'From the timelines both sides agree exactly, as they must when every job ended: no timeline is missing or out of order.'
      : `From the timelines the sides differ by up to ${percent(worst)}: jobs that did not end count in L, but not in λ and W.`,
  );
  if (monitoring.length === 0) {
    paragraphs.push(
      'Monitoring took too few samples in these runs for a check that does not depend on the timelines.',
    );
  } else {
    const most = Math.max(...monitoring);
    paragraphs.push(
      `Monitoring’s samples are an independent measurement of L. In ${count(monitoring.length, 'run')} they differ from λW by at most ${percent(most)}: ` +
        (most < AGREES
          ? 'the two agree.'
          : 'samples are taken at intervals, so a short run has few and can miss its peak; in a long run such a difference would be an error.'),
    );
  }
  return paragraphs;
}
