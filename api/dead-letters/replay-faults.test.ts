import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import { deadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { deadKey, outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { completedOutcome } from '../../testing/job-life.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, inject, it, vi } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { setUpDeadLetters } from '../../testing/dead-letters.ts';
import { jobMessage } from '@image-pipeline/shared/jobs/job-message.ts';
import { markDeadLetter } from './dead-letters.ts';
import { type ReplayPlan, ReplayRecords } from './replay-records.ts';
import { replayRun } from './run-replay.ts';

const system = setUpSystem();
const dead = setUpDeadLetters(system);

/** The steps of a replay up to its interruption. */
const steps = {
  request: (job: JobRequest) => system.storeJob({ ...job, run: 2, submitted_at: new Date().toISOString() }),
  publish: (job: JobRequest) => system.broker.publisher.publish(jobMessage({ ...job, run: 2 })),
  mark: async (job: JobRequest) => {
    const deadLetter = await deadLetterOf(job);
    if (deadLetter !== undefined) await markDeadLetter(system.store, deadLetter, 'replayed');
  },
  end: (job: JobRequest) => system.storeJob({ ...job, run: 2 }, completedOutcome({ ...job, run: 2 })),
} as const;

const interruptions: readonly (readonly [string, readonly (keyof typeof steps)[]])[] = [
  ['before anything was done', []],
  ['after the request', ['request']],
  ['after the publish', ['request', 'publish']],
  ['after the mark, before the sweep', ['request', 'publish', 'mark']],
  ['after the run has ended', ['request', 'publish', 'end']],
];

describe('an interrupted replay', () => {
  it.each(interruptions)('%s is finished by a replica that starts', async (_when, done) => {
    const job = await oneDeadJob();
    const plan: ReplayPlan = {
      version: 1,
      replay_id: uuidv7(),
      started_at: new Date().toISOString(),
      runs: [{ job_id: job.job_id, run: 1 }],
    };
    await new ReplayRecords(system.store).create(plan);
    for (const step of done) await steps[step](job);
    await dead.startFakeWorker(() => 'completed');
    const api = await dead.startApi();
    const status_url = `/dlq/replays/${plan.replay_id}`;
    expect(await dead.untilEnded(api, { json: { status_url } })).toMatchObject({
      state: 'done',
      completed: 1,
    });
    expect((await api.ask(`/status/${job.job_id}?wait=5`)).json).toMatchObject({
      status: 'completed',
      run: 2,
    });
    await expectReplayedOnce(job);
    expect((await system.storedKeys()).filter((key) => key.startsWith('open-replays/'))).toEqual([]);
  });

  it.each(interruptions.filter(([, done]) => !done.includes('mark')))(
    '%s, without its records, is finished by a new request',
    async (_when, done) => {
      const job = await oneDeadJob();
      for (const step of done) await steps[step](job);
      await dead.startFakeWorker(() => 'completed');
      const api = await dead.startApi();
      const ended = await dead.untilEnded(api, await api.replay({ ids: [job.job_id] }));
      expect(ended).toMatchObject({ state: 'done', completed: 1 });
      await expectReplayedOnce(job);
    },
  );

  it('is resumed by another replica when its replica stops', async () => {
    const one = await dead.startApi();
    const jobs = await dead.failedJobs(3);
    const started = await one.replay({ all: true });
    await vi.waitFor(async () =>
      expect(await deadLetterOf(jobs[0] ?? never())).toMatchObject({ state: 'replayed' }),
    );
    await one.stop();
    const other = await dead.startApi();
    const runs = await dead.startFakeWorker(() => 'completed');
    expect(await dead.untilEnded(other, started)).toMatchObject({ state: 'done', completed: 3 });
    expect(new Set(runs)).toEqual(new Set(jobs.map(({ job_id }) => `${job_id}/2`)));
    for (const job of jobs) expect(await deadLetterOf(job)).toMatchObject({ state: 'replayed' });
    await dead.untilInQueue([]);
  });
});

describe('a job that is replayed concurrently', () => {
  it('by two replicas has one second run', async () => {
    const [one, other] = [await dead.startApi(), await dead.startApi()];
    const [job = never()] = await dead.failedJobs(1);
    const runs = await dead.startFakeWorker(() => 'completed');
    const responses = await Promise.all([one, other].map((api) => api.replay({ ids: [job.job_id] })));
    expect(responses.map(({ status }) => status)).toContain(202);
    for (const response of responses) if (response.status === 202) await dead.untilEnded(one, response);
    expect(new Set(runs)).toEqual(new Set([`${job.job_id}/2`]));
    await expectReplayedOnce(job);
  });

  it('is always published with the stored request', async () => {
    const job = await oneDeadJob();
    const published: JobRequest[] = [];
    const publish = (request: JobRequest) => {
      published.push(request);
      return Promise.resolve();
    };
    const deps = { store: system.store, publish, onQueued: () => undefined };
    const requests = await Promise.all(
      Array.from({ length: 8 }, () => replayRun({ job_id: job.job_id, run: 1 }, deps)),
    );
    const [first] = requests;
    expect(first).toMatchObject({ ...job, run: 2, submitted_at: expect.any(String) as unknown });
    for (const request of [...requests, ...published]) expect(request).toEqual(first);
  });

  it('and removed at the same moment leaves the queue, replayed or not', async () => {
    const api = await dead.startApi();
    const jobs = await dead.failedJobs(4);
    await dead.startFakeWorker(() => 'completed');
    const [started, removal] = await Promise.all([api.replay({ all: true }), dead.remove(api, '?all=true')]);
    expect(removal.status).toBe(200);
    if (started.status === 202) await dead.untilEnded(api, started);
    for (const job of jobs) {
      expect((await deadLetterOf(job))?.state).not.toBe('dead');
      const { json } = await api.ask(`/status/${job.job_id}?wait=5`);
      expect(['failed', 'completed']).toContain((json as { status: string }).status);
    }
    await dead.untilInQueue([]);
  });
});

describe('a replay while the broker refuses jobs', () => {
  const binding = () =>
    `bindings/${system.vhost.name}/e/${exchangeNames.jobs}/q/${queueNames.process}` as const;

  it('waits, and continues when the broker accepts them', async () => {
    const api = await dead.startApi();
    const [job = never()] = await dead.failedJobs(1);
    await dead.startFakeWorker(() => 'completed');
    await managementCall(inject('broker'), 'DELETE', `${binding()}/${routingKeys.process}`);
    const started = await api.replay({ ids: [job.job_id] });
    expect(started.status).toBe(202);
    await vi.waitFor(async () => expect(await system.storedKeys()).toContain(requestKey(job.job_id, 2)));
    expect(await deadLetterOf(job)).toMatchObject({ state: 'dead' });
    await managementCall(inject('broker'), 'POST', binding(), { routing_key: routingKeys.process });
    expect(await dead.untilEnded(api, started)).toMatchObject({ state: 'done', completed: 1 });
    await expectReplayedOnce(job);
  });
});

describe('a dead letter with an unreadable job', () => {
  it('is skipped, and does not block others', async () => {
    const api = await dead.startApi();
    const [unreadable = never()] = await dead.failedJobs(2);
    await dead.startFakeWorker(() => 'completed');
    await system.store.put(requestKey(unreadable.job_id, 1), jsonBody({ version: 7 }));
    expect(await dead.untilEnded(api, await api.replay({ all: true }))).toMatchObject({
      state: 'done',
      completed: 1,
      skipped: 1,
    });
    expect(await deadLetterOf(unreadable)).toMatchObject({ state: 'dead' });
  });
});

function never(): never {
  throw new Error('no job');
}

const deadLetterOf = ({ job_id }: JobRequest, run = 1) =>
  readJson(system.store, deadKey(job_id, run), deadLetterSchema);

async function oneDeadJob(): Promise<JobRequest> {
  // Recorded by a replica that is stopped before the fault.
  const api = await dead.startApi();
  const [job] = await dead.failedJobs(1);
  if (job === undefined) throw new Error('no job');
  await api.stop();
  return job;
}

async function expectReplayedOnce(job: JobRequest): Promise<void> {
  const keys = (await system.storedKeys()).filter((key) => key.startsWith(`jobs/${job.job_id}/`));
  expect(keys).toEqual([1, 2].flatMap((run) => [outcomeKey(job.job_id, run), requestKey(job.job_id, run)]));
  expect(await deadLetterOf(job)).toMatchObject({ state: 'replayed' });
  expect(await deadLetterOf(job, 2)).toBeUndefined();
  await dead.untilInQueue([]);
}
