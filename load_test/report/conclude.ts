import { concludeBursts, concludeCapacity } from './conclude-overload.ts';
import { concludeBulk } from './conclude-scaling.ts';
import { count, list, percent, whole } from './format.ts';
import { type Machine, slotsOf, type Test } from './group-runs.ts';
import { type Run, totalsByCode } from './measure-run.ts';
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
  const conclusions: Conclusion[] = [];
  const accepted = total(({ measures }) => measures.uploads.accepted);
  const unreadable = runs.filter(({ measures }) => measures.unread > 0);
  if (unreadable.length > 0) {
    const unread = total(({ measures }) => measures.unread);
    const of = sum(unreadable.map(({ measures }) => measures.uploads.accepted));
    conclusions.push({
      kind: 'jobs-unread',
      tone: 'problem',
      headline: `${count(unread, 'accepted job')} could not be read`,
      text: `${whole(unread)} of ${count(of, 'accepted job')} could not be read; the numbers of ${unreadable.length === 1 ? 'this run' : `these ${unreadable.length} runs`} are incomplete. Check that the API responds, then repeat ${unreadable.length === 1 ? 'it' : 'them'}.`,
    });
  }
  const lost = total(({ measures }) => Math.max(measures.lost, measures.counts.open));
  const completed = total(({ measures }) => measures.counts.completed);
  if (lost > 0) {
    conclusions.push({
      kind: 'jobs-lost',
      tone: 'problem',
      headline: `${count(lost, 'accepted job')} did not end`,
      text: `${whole(lost)} of ${count(accepted, 'accepted job')} did not end while k6 waited for ${lost === 1 ? 'it' : 'them'}. Check whether ${lost === 1 ? 'it is' : 'they are'} still in progress: make monitor`,
    });
  }
  const failed = total(({ measures }) => measures.counts.failed);
  if (failed > 0) {
    const codes = codeList(runs.map(({ measures }) => measures.failures));
    conclusions.push({
      kind: 'jobs-failed',
      tone: 'problem',
      text: `${whole(failed)} of ${count(accepted, 'accepted job')} failed: ${codes}.`,
    });
  }
  const sent = total(({ measures }) => measures.uploads.sent);
  const codes = codeList(runs.map(({ measures }) => measures.refused));
  if (codes !== '') {
    const refused = total(({ measures }) => sum(Object.values(measures.refused)));
    conclusions.push({
      kind: 'uploads-refused',
      tone: 'problem',
      text: `${whole(refused)} of ${count(sent, 'upload')} were refused: ${codes}.`,
    });
  }
  if (conclusions.length === 0 && accepted > 0 && completed === accepted) {
    const every = accepted === 1 ? 'The accepted job' : `All ${count(accepted, 'accepted job')}`;
    conclusions.push({
      kind: 'all-completed',
      tone: 'good',
      text: `${every} completed; no upload was refused.`,
    });
  }
  return conclusions;
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
  const noisy = settings.filter(({ runs }) => {
    const values = runs.map(({ measures }) => measures.throughput);
    return runs.length > 1 && (Math.max(...values) - Math.min(...values)) / median(values) > NOISY_SPREAD;
  });
  if (noisy.length > 0) {
    conclusions.push({
      kind: 'noisy',
      tone: 'note',
      text: `The throughput of the repeats with ${list(noisy.map(slotsOf))} differs by more than ${percent(NOISY_SPREAD)}: other programs probably used the machine.`,
    });
  }
  if (script === 'bulk_upload' && settings.length > 1 && settings.some(({ runs }) => runs.length === 1)) {
    conclusions.push({
      kind: 'noise-unknown',
      tone: 'note',
      text: 'Some numbers of slots were tested once, so their noise is unknown. Run three repeats of each: make experiment-workers',
    });
  }
  if (settings.length > 1 && settings.some(({ slots }) => slots === null)) {
    conclusions.push({
      kind: 'slots-unknown',
      tone: 'note',
      text: 'For some runs the number of slots is unknown, because monitoring did not respond. They are not part of the scaling curve.',
    });
  }
  if (incomplete.length > 0) {
    conclusions.push({
      kind: 'incomplete',
      tone: 'note',
      text: `${count(incomplete.length, 'run')} with lost or unread jobs ${incomplete.length === 1 ? 'is' : 'are'} left out of charts, scaling and comparisons, and only ${incomplete.length === 1 ? 'appears' : 'appear'} in the table of all runs.`,
    });
  }
  if (interrupted.length > 0) {
    conclusions.push({
      kind: 'interrupted',
      tone: 'note',
      text: `${count(interrupted.length, 'run was', 'runs were')} interrupted and only ${interrupted.length === 1 ? 'appears' : 'appear'} in the table of all runs.`,
    });
  }
  return conclusions;
}
