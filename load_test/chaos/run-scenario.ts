import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { readOutcome } from '@image-pipeline/shared/jobs/read-run.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import { drawFrom } from '../draw.ts';
import type { QueueDepth } from './broker-under-test.ts';
import { slowImage, smallImages } from './chaos-image.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { checkEvidence, type EvidenceReport } from './check-evidence.ts';
import { Client } from './client.ts';
import { collectJobs, idsFrom, type Evidence } from './evidence.ts';
import { acceptedIds } from './note.ts';
import { strayProcesses } from './processes.ts';
import { type Recovery, type Scenario, Skipped } from './scenario.ts';
import { Subscriber } from './subscriber.ts';

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly status: 'PASS' | 'FAIL' | 'SKIPPED';
  /** Why it failed or was skipped. */
  readonly reasons: readonly string[];
  readonly recoveries: readonly Recovery[];
  /** Undefined if it was skipped. */
  readonly report: EvidenceReport | undefined;
}

/** Runs one scenario, waits until the system has settled, and checks the evidence. Failures are part of the result. */
export async function runScenario(
  scenario: Scenario,
  system: ChaosSystem,
  seed: number,
  say: (line: string) => void,
): Promise<ScenarioResult> {
  const since = idsFrom(Date.now());
  const crashesBefore = crashesOf(system).length;
  const client = new Client(system.services.apiUrl);
  await using subscriber = new Subscriber(system.services.notificationUrl);
  const reasons: string[] = [];
  let recoveries: readonly Recovery[] = [];
  const expected = new Map([...smallImages, slowImage].map(({ name, ends }) => [name, ends]));
  try {
    await subscriber.connected;
    const seen = await scenario.run({ system, client, subscriber, draw: drawFrom(seed), say });
    recoveries = seen.recoveries ?? [];
    for (const [name, ends] of seen.expected ?? []) expected.set(name, ends);
  } catch (error) {
    if (error instanceof Skipped) {
      return { scenario, status: 'SKIPPED', reasons: [error.message], recoveries, report: undefined };
    }
    reasons.push(messageOf(error));
  }
  for (const { what, ms, goalMs } of recoveries) {
    if (ms > goalMs) reasons.push(`${what}: ${(ms / 1_000).toFixed(1)} s is more than ${goalMs / 1_000} s`);
  }
  const settled = await settle(system, acceptedIds(client.notes), subscriber);
  const report = checkEvidence({
    notes: client.notes,
    expected,
    jobs: await collectJobs(system.store.direct, since),
    ...settled,
    endNotifications: subscriber.ends,
    crashes: crashesOf(system).slice(crashesBefore),
  });
  if (subscriber.resets.length > 0) say(`  the subscriber received resets: ${subscriber.resets.join(', ')}`);
  const passed = reasons.length === 0 && report.violations.length === 0;
  return { scenario, status: passed ? 'PASS' : 'FAIL', reasons, recoveries, report };
}

function crashesOf(system: ChaosSystem): string[] {
  return system.services.services.flatMap(({ crashes }) => crashes);
}

/** I4: all jobs must have ended 60 s after recovery, plus the retry delays. */
const ENDED_MS = 62_000;
/** A dead letter whose queue was deleted is recorded from the event log after 60 to 90 s. */
const DEAD_LETTERS_MS = 95_000;
/** For the queues and temporary files, once all jobs have ended. */
const EMPTY_MS = 60_000;
const POLL_MS = 500;
/** The counts of the management API are up to 5 s old, so queues must appear empty for longer. */
const QUIET_MS = 6_000;
/** Queues that must be empty after the system has settled. */
const mustBeEmpty = (name: string) =>
  name !== queueNames.dead && name !== queueNames.eventLog && !name.startsWith('image.webhooks');

/**
 * Waits until every accepted job has ended and its end was notified, every failed one has its dead letter, every queue is
 * empty and every service is ready. Each of these has its own deadline.
 * @returns the evidence outside the store then, or as soon as a job is late
 */
async function settle(
  system: ChaosSystem,
  accepted: readonly string[],
  subscriber: Subscriber,
): Promise<Pick<Evidence, 'queues' | 'temporaryFiles' | 'strays'>> {
  const { direct } = system.store;
  const endedBy = performance.now() + ENDED_MS;
  for (const service of system.services.services) await service.untilReady();
  const hasEnded = async (jobId: string) =>
    subscriber.ends.has(jobId) && (await readOutcome(direct, jobId, 1)) !== undefined;
  const isRecorded = async (jobId: string) =>
    (await readOutcome(direct, jobId, 1))?.state === 'completed' ||
    (await direct.stat(deadKey(jobId, 1))) !== undefined;
  const inTime =
    (await untilAll(accepted, hasEnded, endedBy)) &&
    (await untilAll(accepted, isRecorded, performance.now() + DEAD_LETTERS_MS));
  // More time would let a late job end.
  const emptyBy = performance.now() + (inTime ? EMPTY_MS : 0);
  const queues = await quietQueues(system, emptyBy);
  while (performance.now() < emptyBy && (await leftovers(system)).length > 0) await sleep(POLL_MS);
  const { services, slots } = system;
  const strays = await strayProcesses(services, slots);
  return { queues, temporaryFiles: await leftovers(system), strays };
}

/** @returns whether all are done before the deadline */
async function untilAll(
  jobIds: readonly string[],
  isDone: (jobId: string) => Promise<boolean>,
  deadline: number,
): Promise<boolean> {
  const open = new Set(jobIds);
  for (;;) {
    for (const jobId of open) if (await isDone(jobId)) open.delete(jobId);
    if (open.size === 0 || performance.now() > deadline) return open.size === 0;
    await sleep(POLL_MS);
  }
}

/** The queues once they have been empty for a while, or at the deadline. */
async function quietQueues({ broker }: ChaosSystem, deadline: number): Promise<readonly QueueDepth[]> {
  let quietSince = performance.now();
  for (;;) {
    const queues = await broker.queues();
    if (queues.some(isBusy)) quietSince = performance.now();
    if (performance.now() > Math.min(quietSince + QUIET_MS, deadline)) return queues;
    await sleep(POLL_MS);
  }
}

function isBusy({ name, ready, unacked }: QueueDepth): boolean {
  return mustBeEmpty(name) && ready + unacked > 0;
}

/** Partially written objects, and temporary files of services. */
async function leftovers({ services, store }: ChaosSystem): Promise<string[]> {
  return [...(await readdir(services.temp)), ...(await store.temporaryFiles())];
}
