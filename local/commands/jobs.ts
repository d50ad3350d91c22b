import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { acceptedJobId, ApiClient, problemIn, type ApiResponse, type Job } from '../pipeline/api-client.ts';
import { deadLetterOf, newestDeadLetter } from '../pipeline/dead-letters.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import { UserError } from '../user-error.ts';

const SAMPLE = 'test_images/sample.jpg';

/** `make upload FILE=… OPS=…`; default: the sample. */
export async function upload(file: string, operations: string): Promise<void> {
  if (file === '')
    console.log(`Uploading ${SAMPLE}. To upload another image: make upload FILE=… OPS=resize,watermark\n`);
  const path = resolve(root, file || SAMPLE);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new UserError(`File not found: ${file}`);
  const api = await runningApi();
  const response = await api.upload(path, operations);
  printResponse(response);
  const jobId = acceptedJobId(response);
  if (jobId !== undefined) console.log(`\ncurl "${api.url}/status/${jobId}"`);
}

/** `make status ID=…`; default: the newest job. */
export async function status(given: string): Promise<void> {
  const api = await runningApi();
  const jobId = given || (await newestJobId(api));
  printResponse(await api.status(jobId));
  const { status: state } = await api.job(jobId);
  const isDead = state === 'failed' && (await deadLetterOf(api, jobId)) !== undefined;
  console.log(`\n${nextSteps(api.url, jobId, isDead ? 'dead' : state).join('\n')}`);
}

/** `make replay ID=…`. It changes data, so it needs an id. */
export async function replay(jobId: string): Promise<void> {
  const api = await runningApi();
  if (jobId === '') throw new UserError(await whichToReplay(api));
  const { API_TOKEN: token = '' } = await readEnvironment(root);
  printResponse(await api.replay(jobId, token));
  console.log(`\ncurl "${api.url}/status/${jobId}?wait=20"`);
}

/** `make republish ID=…`; default: all jobs that are unaccounted for. */
export async function republish(jobId: string): Promise<void> {
  const api = await runningApi();
  const { API_TOKEN: token = '' } = await readEnvironment(root);
  const response = await api.republish(jobId === '' ? undefined : jobId, token, ({ republished, left }) => {
    console.log(`Republished ${republished} jobs; ${left} are left.`);
  });
  printResponse(response);
}

/** The next steps for a job. @param state its status, or `dead` for one that has a dead letter */
export function nextSteps(url: string, jobId: string, state: Job['status'] | 'dead'): string[] {
  switch (state) {
    case 'completed':
      return [`curl -o result.jpg "${url}/results/${jobId}"`, `In the browser: ${url}/results/${jobId}`];
    case 'dead':
      return [`To replay the job once the cause is fixed: make replay ID=${jobId}`];
    case 'failed':
      return ['The job has no dead letter, so it cannot be replayed.'];
    case 'queued':
    case 'processing':
    case 'retrying':
      return [`To wait until the job is finished: curl "${url}/status/${jobId}?wait=20"`];
  }
}

async function newestJobId(api: ApiClient): Promise<string> {
  const newest = await api.newestJob();
  if (newest === undefined) throw new UserError('There are no jobs yet. To upload an image: make upload');
  console.log(`Newest job: ${newest.name}. For another job: make status ID=…\n`);
  return newest.job_id;
}

async function whichToReplay(api: ApiClient): Promise<string> {
  const newest = await newestDeadLetter(api);
  if (newest === undefined) return 'There are no dead letters to replay.';
  const { job_id, name, error } = newest;
  return `Missing ID. To replay the newest dead letter (${name ?? 'unknown file'}, ${error.code}): make replay ID=${job_id}`;
}

async function runningApi(): Promise<ApiClient> {
  const { apiUrl } = await (await currentRuntime()).running();
  return new ApiClient(apiUrl);
}

/** @throws UserError if it is an error */
function printResponse({ status, body }: ApiResponse): void {
  console.log(JSON.stringify(body, null, 2));
  if (status < 400) return;
  const { code, detail } = problemIn(body);
  throw new UserError(`\nThe API returned ${status} ${code}: ${detail}`);
}
