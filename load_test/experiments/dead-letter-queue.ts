import { join } from 'node:path';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { z } from 'zod';
import {
  acceptedJobId,
  problemIn,
  type ApiClient,
  type ApiResponse,
  type Job,
} from '../../local/pipeline/api-client.ts';
import { type DeadLetter, deadLetterOf, deadLetterStats } from '../../local/pipeline/dead-letters.ts';
import { root } from '../../local/pipeline/paths.ts';
import { UserError } from '../../local/user-error.ts';
import { poll } from '../poll.ts';
import { type DeadLetterEvidence, concludeDeadLetter } from './conclusions.ts';
import { type Guide, right } from './guide.ts';
import type { Monitoring } from './monitoring.ts';

const IMAGE = 'test_images/corrupted.jpg';
const ENDED_MS = 90_000;
/** The API records a dead letter as soon as it receives the message; a replay starts within this time. */
const RECORDED_MS = 15_000;
/** Queue counts are up to 5 s old in RabbitMQ, and up to another 5 s in monitoring. */
const COUNTED_MS = 20_000;

interface DeadLetterSystem {
  readonly api: ApiClient;
  readonly monitoring: Monitoring;
  /** API_TOKEN of the system. */
  readonly token: string;
}

/**
 * Experiment 3: follows a broken image into the dead-letter queue, replays it, and discards it. It does not touch other
 * dead letters.
 * @throws UserError if the job did not behave as expected
 */
export async function deadLetterQueue(guide: Guide, system: DeadLetterSystem): Promise<void> {
  const { api } = system;
  guide.title(
    'Experiment 3: the dead-letter queue',
    'You upload an image that cannot be decoded. A queue that redelivered it forever would never become empty; a queue that dropped it would hide the problem. ' +
      'You will see where the message goes instead, why the job is not retried, and what you can do with it.',
  );
  const before = await deadLetterStats(api);
  const queueBefore = await deadMessages(system.monitoring);

  guide.step('A corrupted image is uploaded');
  showStats(guide, api, before, before);
  await guide.predict(`${IMAGE} starts like a JPEG but is truncated. What does the upload return?`, [
    '202, and the job fails later',
    '415, because it is not an image',
    '500, because the API cannot decode it',
  ]);
  const { jobId, status } = await upload(guide, api);
  guide.say(`The API returned ${status} and accepted job ${jobId}. Only the worker decodes the whole image.`);

  guide.step('The job fails');
  const first = await follow(guide, api, jobId);
  guide.say(
    `It failed on its first attempt with ${first.error?.code ?? 'no code'}. That is a permanent failure: the same bytes would fail on every attempt. ` +
      'A transient failure, such as a crashed process, would be retried after 5 s, 30 s and 2 min (RETRY_DELAYS) before the job failed.',
  );

  guide.step('Its message is in the dead-letter queue');
  const letter = await recorded(guide, api, jobId, 1);
  const after = await deadLetterStats(api);
  showStats(guide, api, before, after);
  guide.show(`curl "${api.url}/dlq/messages"`);
  showDeadLetter(guide, letter);
  const inQueue = await showQueue(guide, system.monitoring, queueBefore, 1);

  guide.step('It is replayed');
  guide.say('Calls that change something require the API token from .env:');
  guide.show("export API_TOKEN=$(sed -n 's/^API_TOKEN=//p' .env)");
  const preview = await replay(guide, system, jobId, true);
  guide.say(`The dry run changes nothing. Dead letters to be replayed: ${preview.total}.`);
  await guide.predict('the image is still corrupted. What does a replay of this job do?', [
    'nothing: a failed job stays failed',
    'it starts a second run, which fails again',
    'it removes the dead letter permanently',
  ]);
  await replay(guide, system, jobId, false);
  const second = await followRun(guide, api, jobId, 2);
  guide.say(
    `Run ${second.run} ${second.status} as well. The status keeps the result of run 1 in "runs": ${second.runs[0]?.status ?? 'unknown'}.`,
  );
  const again = await recorded(guide, api, jobId, 2);
  showDeadLetter(guide, again);
  showStats(guide, api, before, await deadLetterStats(api));

  guide.step('It is discarded');
  const discarded = await guide.run(
    `curl -X DELETE "${api.url}/dlq/messages?id=${jobId}" \\\n-H "Authorization: Bearer $API_TOKEN"`,
    () => api.discard(jobId, system.token),
  );
  const { removed } = z.object({ removed: z.int() }).parse(expectOk(discarded, 200));
  const end = await deadLetterStats(api);
  guide.say(`Dead letters removed: ${removed}. The job itself stays failed.`);
  showStats(guide, api, before, end);

  const evidence: DeadLetterEvidence = {
    first,
    letter,
    after: after.count - before.count,
    inQueue,
    second,
    again,
    end: end.count - before.count,
  };
  guide.conclude(concludeDeadLetter(evidence));
}

async function upload(guide: Guide, api: ApiClient): Promise<{ jobId: string; status: number }> {
  const line = `curl -X POST "${api.url}/upload" \\\n-F "file=@${IMAGE}"`;
  const { status, body } = await guide.run(line, () => api.upload(join(root, IMAGE), ''));
  const jobId = acceptedJobId({ status, body });
  if (jobId !== undefined) return { jobId, status };
  throw new UserError(`The upload returned ${status}: ${problemIn(body).detail}`);
}

async function follow(guide: Guide, api: ApiClient, jobId: string): Promise<Job> {
  const job = await guide.run(`curl "${api.url}/status/${jobId}?wait=20"`, () =>
    api.untilEnded(jobId, ENDED_MS),
  );
  const columns = [{ title: 'STATE' }, { title: 'AT' }, { title: 'ATTEMPT' }, { title: 'WORKER' }];
  const rows = job.timeline.map(({ state, at, attempt, worker }) => [
    state,
    at,
    String(attempt),
    worker ?? '-',
  ]);
  guide.evidence(`Its timeline, run ${job.run}:`, columns, rows);
  if (job.error !== undefined) guide.say(`${job.error.code}: ${job.error.reason}`);
  return job;
}

/** A replay returns before its job is queued again: until then, the status still shows the previous run. */
async function followRun(guide: Guide, api: ApiClient, jobId: string, run: number): Promise<Job> {
  await poll(async () => ((await api.job(jobId)).run >= run ? true : undefined), {
    deadlineMs: RECORDED_MS,
    stop: guide.stop,
  });
  return follow(guide, api, jobId);
}

/** The dead letter of a run; undefined if there is none in time. */
async function recorded(
  guide: Guide,
  api: ApiClient,
  jobId: string,
  run: number,
): Promise<DeadLetter | undefined> {
  return poll(
    async () => {
      const letter = await deadLetterOf(api, jobId);
      return letter?.run === run ? letter : undefined;
    },
    { deadlineMs: RECORDED_MS, stop: guide.stop },
  );
}

function showDeadLetter(guide: Guide, letter: DeadLetter | undefined): void {
  if (letter === undefined) {
    guide.say('This job has no dead letter.');
    return;
  }
  const { run, attempts, error, death } = letter;
  guide.evidence(
    'The dead letter ("death" comes from the x-death header of RabbitMQ):',
    [{ title: 'FIELD' }, { title: 'VALUE' }],
    [
      ['job_id', letter.job_id],
      ['run, attempts', `${run}, ${attempts}`],
      ['error.code', error.code],
      ['death.queue', death.queue],
      ['death.reason', death.reason],
      ['death.at', death.at],
    ],
  );
}

type Stats = Awaited<ReturnType<typeof deadLetterStats>>;

/** Shows the counts, and their changes since the start of the experiment. */
function showStats(guide: Guide, api: ApiClient, before: Stats, now: Stats): void {
  guide.show(`curl "${api.url}/dlq/stats"`);
  const reasons = [...new Set([...Object.keys(before.by_reason), ...Object.keys(now.by_reason)])].sort();
  const row = (title: string, was: number, is: number) => [title, String(was), String(is), signed(is - was)];
  guide.evidence(
    'Dead letters:',
    [{ title: 'REASON' }, right('BEFORE'), right('NOW'), right('DIFFERENCE')],
    [
      row('all', before.count, now.count),
      ...reasons.map((reason) => row(reason, before.by_reason[reason] ?? 0, now.by_reason[reason] ?? 0)),
    ],
  );
}

const signed = (difference: number): string => (difference > 0 ? `+${difference}` : String(difference));

/** Messages in the dead-letter queue; undefined without monitoring. */
async function deadMessages(monitoring: Monitoring): Promise<number | undefined> {
  return (await monitoring.snapshot())?.dead_letters.jobs ?? undefined;
}

/** @returns by how many messages the dead-letter queue has grown; undefined if unknown */
async function showQueue(
  guide: Guide,
  monitoring: Monitoring,
  before: number | undefined,
  expected: number,
): Promise<number | undefined> {
  if (monitoring.url === undefined || before === undefined) return undefined;
  guide.show(`curl "${monitoring.url}/status"`);
  const grown = async () => ((await deadMessages(monitoring)) ?? before) - before;
  const settled = await poll(async () => ((await grown()) === expected ? expected : undefined), {
    deadlineMs: COUNTED_MS,
    stop: guide.stop,
  });
  const difference = settled ?? (await grown());
  guide.evidence(
    'Messages as RabbitMQ counts them:',
    [{ title: 'QUEUE' }, right('BEFORE'), right('NOW')],
    [[queueNames.dead, String(before), String(before + difference)]],
  );
  return difference;
}

async function replay(
  guide: Guide,
  { api, token }: DeadLetterSystem,
  jobId: string,
  dryRun: boolean,
): Promise<{ total: number }> {
  const body = JSON.stringify({ ids: [jobId], ...(dryRun ? { dry_run: true } : {}) });
  const line = `curl -X POST "${api.url}/dlq/replay" \\\n-H "Authorization: Bearer $API_TOKEN" \\\n-d '${body}'`;
  const response = await guide.run(line, () => api.replay(jobId, token, { dryRun }));
  return z.object({ total: z.int() }).parse(expectOk(response, dryRun ? 200 : 202));
}

/** @returns the body. @throws UserError for another status */
function expectOk({ status, body }: ApiResponse, expected: number): unknown {
  if (status === expected) return body;
  const { code, detail } = problemIn(body);
  throw new UserError(`The API returned ${status} ${code}: ${detail}`);
}
