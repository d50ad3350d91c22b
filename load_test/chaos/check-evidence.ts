import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { StoredImage } from '@image-pipeline/shared/contracts/outcome.ts';
import type { Evidence, ImageEvidence, JobEvidence } from './evidence.ts';
import { acceptedIds, countNotes, countUnresolved } from './note.ts';

/**
 * A violated invariant. I1: every job ends as its image requires, and has a dead letter if and only if it failed. I2: results
 * are complete. I3: nothing is lost or duplicated. I4: every accepted job ends in time. I5: nothing is left over, and nothing
 * crashes.
 */
interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5';
  readonly what: string;
  /** Job ids, keys, names. */
  readonly which: readonly string[];
}

export interface EvidenceReport {
  /** In the order of the table. */
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

/** Messages in these queues are not waiting to be processed. */
const UNPROCESSED_QUEUES: readonly string[] = [queueNames.dead, queueNames.webhooksDead, queueNames.eventLog];

/**
 * Compares the responses to the clients with the evidence: each accepted job must be either completed or failed, with its
 * images or its dead letter, and nothing else may be left over. Only meaningful after the system has settled.
 */
export function checkEvidence(evidence: Evidence): EvidenceReport {
  const { notes, endNotifications } = evidence;
  const acceptances = acceptedIds(notes);
  const accepted = new Set(acceptances);
  const byId = new Map(evidence.jobs.map((job) => [job.jobId, job]));
  const jobs = [...accepted].map((jobId) => byId.get(jobId) ?? missingJob(jobId));
  const unaccepted = evidence.jobs.filter(({ jobId, outcome }) => !accepted.has(jobId) && outcome);
  const unended = jobs.filter(({ outcome }) => outcome === undefined);
  const queues = evidence.queues.filter(({ name }) => !UNPROCESSED_QUEUES.includes(name));
  const waiting = sum(queues.map(({ ready, unacked }) => ready + unacked));
  const open = unended.slice(0, waiting);
  const lost = unended.slice(waiting);
  const completed = jobs.filter(({ outcome }) => outcome?.state === 'completed');
  const failed = jobs.filter(({ outcome }) => outcome?.state === 'failed');
  const ended = [...jobs, ...unaccepted];
  const unresolved = countUnresolved(notes);
  const unacked = evidence.queues.filter((queue) => queue.unacked > 0 && queue.name !== queueNames.eventLog);
  const damaged = ended.flatMap(damagedImages);
  const orphans = ended.flatMap(orphanImages);
  const withoutDeadLetter = ended.filter(({ outcome, dead }) => outcome?.state === 'failed' && !dead);
  const wronglyDead = ended.filter(({ outcome, dead }) => outcome?.state === 'completed' && dead);
  const wronglyNotified = ended.filter(({ jobId, outcome }) => outcome && endNotifications.get(jobId) !== 1);

  const ids = (found: readonly JobEvidence[]) => found.map(({ jobId }) => jobId);
  const violations: Violation[] = [
    { invariant: 'I3', what: 'accepted but lost', which: ids(lost) },
    { invariant: 'I4', what: 'still open', which: ids(open) },
    { invariant: 'I3', what: 'accepted twice with the same id', which: repeated(acceptances) },
    { invariant: 'I1', what: 'failed without a dead letter', which: ids(withoutDeadLetter) },
    { invariant: 'I1', what: 'completed, but has a dead letter', which: ids(wronglyDead) },
    { invariant: 'I1', what: 'ended differently than its image requires', which: wrongEnds(evidence, byId) },
    { invariant: 'I2', what: 'damaged or missing', which: damaged },
    { invariant: 'I3', what: 'image of a superseded attempt', which: orphans },
    {
      invariant: 'I3',
      what: `ended, but not accepted by a response (${unresolved} uploads unresolved)`,
      which: ids(unaccepted).slice(unresolved),
    },
    { invariant: 'I3', what: 'end not notified exactly once', which: ids(wronglyNotified) },
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
    counts: {
      accepted: accepted.size,
      completed: completed.length,
      failed: failed.length,
      open: open.length,
      lost: lost.length,
      'double outcomes': ended.filter(({ jobId }) => (endNotifications.get(jobId) ?? 0) > 1).length,
      'dead letters': ended.filter(({ dead }) => dead).length,
      'refused uploads': countNotes(notes, 'refused'),
      'unknown responses': countNotes(notes, 'unknown'),
      'ended, not accepted': unaccepted.length,
      'uploads abandoned': countNotes(notes, 'abandoned'),
      'damaged images': damaged.length,
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

/** I2: images of a completed job that are missing, or differ from its outcome. */
function damagedImages({ outcome, images }: JobEvidence): string[] {
  if (outcome?.state !== 'completed') return [];
  return [outcome.result, outcome.thumbnail].flatMap((recorded) => {
    const problem = problemOf(
      recorded,
      images.find(({ key }) => key === recorded.key),
    );
    return problem === undefined ? [] : [`${recorded.key}: ${problem}`];
  });
}

/** Images that belong to no outcome: those of a superseded or interrupted attempt. */
function orphanImages({ outcome, images }: JobEvidence): string[] {
  const named = outcome?.state === 'completed' ? [outcome.result.key, outcome.thumbnail.key] : [];
  return images.map(({ key }) => key).filter((key) => !named.includes(key));
}

function problemOf(recorded: StoredImage, found: ImageEvidence | undefined): string | undefined {
  if (found === undefined) return 'missing';
  if (found.size !== recorded.size) return `${found.size} bytes, recorded are ${recorded.size}`;
  if (found.sha256 !== recorded.sha256) return 'its SHA-256 is not the recorded one';
  if ('error' in found.decoded) return `cannot be decoded: ${found.decoded.error}`;
  const { width, height } = found.decoded;
  if (width === recorded.width && height === recorded.height) return undefined;
  return `${width}×${height}, recorded are ${recorded.width}×${recorded.height}`;
}

const NAME_WIDTH = 24;
/** The first ids of a long list are enough. */
const MAX_IDS = 10;

/** All counts, then the violations. */
export function reportTable({ counts, violations }: EvidenceReport): string {
  const rows = Object.entries(counts).map(
    ([name, value]) => `  ${name.padEnd(NAME_WIDTH)} ${String(value).padStart(6)}`,
  );
  const { accepted = 0, completed = 0, failed = 0, open = 0 } = counts;
  const sum = `  ${accepted} accepted = ${completed} completed + ${failed} failed + ${open} open`;
  const balance = accepted === completed + failed + open ? `${sum}: exact` : `${sum}: DOES NOT BALANCE`;
  const lines = violations.map(({ invariant, what, which }) => {
    const more = which.length > MAX_IDS ? ` … and ${which.length - MAX_IDS} more` : '';
    return `  ${invariant} ${what}: ${which.slice(0, MAX_IDS).join(', ')}${more}`;
  });
  return [...rows, balance, ...lines].join('\n');
}
