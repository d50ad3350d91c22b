import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Evidence, JobEvidence } from './evidence.ts';
import { acceptedIds, countNotes, countUnresolved } from './note.ts';
import { orphanImages, wrongImages } from './result-images.ts';

/**
 * A violated invariant and what violates it. I1: every job ends as its image requires, and has a dead letter if and only
 * if it failed. I2: results are whole. I3: nothing is lost or done twice. I4: every accepted job ends in time. I5: nothing
 * is left behind, and nothing crashes.
 */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5';
  readonly what: string;
  /** Job ids, keys, names. */
  readonly which: readonly string[];
}

export interface Ledger {
  /** In the order in which they are shown. */
  readonly figures: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

/** Where people look at failed jobs: what lies there waits for nobody. */
const RESTING_QUEUES: readonly string[] = [queueNames.dead, queueNames.webhooksDead, queueNames.eventLog];

/**
 * The conservation ledger: every 202 must be found again as exactly one of completed and failed, with all that belongs
 * to it, and nothing else may be left. To be made when all has come to rest.
 */
export function makeLedger(evidence: Evidence): Ledger {
  const { notes, toldEnds } = evidence;
  const accepted = acceptedIds(notes);
  const promised = new Set(accepted);
  const byId = new Map(evidence.jobs.map((job) => [job.jobId, job]));
  const jobs = [...promised].map((jobId) => byId.get(jobId) ?? missingJob(jobId));
  const unpromised = evidence.jobs.filter(({ jobId, outcome }) => !promised.has(jobId) && outcome);
  const unended = jobs.filter(({ outcome }) => outcome === undefined);
  const queues = evidence.queues.filter(({ name }) => !RESTING_QUEUES.includes(name));
  const waiting = sum(queues.map(({ ready, unacked }) => ready + unacked));
  const open = unended.slice(0, waiting);
  const lost = unended.slice(waiting);
  const completed = jobs.filter(({ outcome }) => outcome?.state === 'completed');
  const failed = jobs.filter(({ outcome }) => outcome?.state === 'failed');
  const ended = [...jobs, ...unpromised];
  const unresolved = countUnresolved(notes);
  const unacked = evidence.queues.filter((queue) => queue.unacked > 0 && queue.name !== queueNames.eventLog);
  const wrong = ended.flatMap(wrongImages);
  const orphans = ended.flatMap(orphanImages);
  const unrecorded = ended.filter(({ outcome, dead }) => outcome?.state === 'failed' && !dead);
  const recordedAlthough = ended.filter(({ outcome, dead }) => outcome?.state === 'completed' && dead);
  const untold =
    toldEnds === undefined ? [] : ended.filter(({ jobId, outcome }) => outcome && toldEnds.get(jobId) !== 1);

  const ids = (found: readonly JobEvidence[]) => found.map(({ jobId }) => jobId);
  const violations: Violation[] = [
    { invariant: 'I3', what: 'accepted but lost', which: ids(lost) },
    { invariant: 'I4', what: 'still open', which: ids(open) },
    { invariant: 'I3', what: 'accepted twice with the same id', which: repeated(accepted) },
    { invariant: 'I1', what: 'failed without a dead letter', which: ids(unrecorded) },
    { invariant: 'I1', what: 'completed, but has a dead letter', which: ids(recordedAlthough) },
    { invariant: 'I1', what: 'ended differently than its image requires', which: wrongEnds(evidence, byId) },
    { invariant: 'I2', what: 'damaged or missing', which: wrong },
    { invariant: 'I3', what: 'image of a superseded attempt', which: orphans },
    {
      invariant: 'I3',
      what: `ended, but not accepted by a response (${unresolved} uploads unresolved)`,
      which: ids(unpromised).slice(unresolved),
    },
    { invariant: 'I3', what: 'end not notified exactly once', which: ids(untold) },
    {
      invariant: 'I5',
      what: 'unacknowledged deliveries in',
      which: unacked.map(({ name, unacked: count }) => `${name} (${count})`),
    },
    { invariant: 'I5', what: 'temporary file', which: evidence.temporaryFiles },
    { invariant: 'I5', what: 'stray process', which: evidence.strays },
    { invariant: 'I5', what: 'exited unexpectedly', which: evidence.crashes },
  ];
  return {
    figures: {
      accepted: promised.size,
      completed: completed.length,
      failed: failed.length,
      open: open.length,
      lost: lost.length,
      'double outcomes': ended.filter(({ jobId }) => (toldEnds?.get(jobId) ?? 0) > 1).length,
      'dead letters': ended.filter(({ dead }) => dead).length,
      'refused answers': countNotes(notes, 'refused'),
      'unknown answers': countNotes(notes, 'unknown'),
      'ended though unpromised': unpromised.length,
      'uploads given up': countNotes(notes, 'given up'),
      'damaged images': wrong.length,
      'orphan images': orphans.length,
      unacked: sum(unacked.map((queue) => queue.unacked)),
      'temporary files': evidence.temporaryFiles.length,
      'stray processes': evidence.strays.length,
    },
    violations: violations.filter(({ which }) => which.length > 0),
  };
}

function missingJob(jobId: string): JobEvidence {
  return { jobId, outcome: undefined, dead: undefined, images: [] };
}

function wrongEnds(evidence: Evidence, byId: ReadonlyMap<string, JobEvidence>): string[] {
  return evidence.notes.flatMap((note) => {
    if (note.kind !== 'accepted') return [];
    const state = byId.get(note.jobId)?.outcome?.state;
    const expected = evidence.expected.get(note.image);
    if (state === undefined || expected === undefined || state === expected) return [];
    return [`${note.jobId} (${note.image}: ${state})`];
  });
}

function repeated(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
