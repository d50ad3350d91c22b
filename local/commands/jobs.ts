import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { acceptedJobId, ApiClient, problemIn, type Answer } from '../pipeline/api-client.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import { UserError } from '../user-error.ts';

const EXAMPLE = 'make upload FILE=test_images/sample.jpg OPS=resize,watermark';

/** `make upload FILE=… OPS=…` */
export async function upload(file: string, operations: string): Promise<void> {
  if (file === '') throw new UserError(`Say which image: ${EXAMPLE}`);
  const path = resolve(root, file);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new UserError(`There is no file ${file}.`);
  const api = await runningApi();
  const answer = await api.upload(path, operations);
  printAnswer(answer);
  const jobId = acceptedJobId(answer);
  if (jobId !== undefined) console.log(`\ncurl "${api.url}/status/${jobId}"`);
}

/** `make status ID=…` */
export async function status(jobId: string): Promise<void> {
  if (jobId === '')
    throw new UserError('Say which job, by the job_id that the upload answered: make status ID=…');
  printAnswer(await (await runningApi()).status(jobId));
}

/** `make replay ID=…` */
export async function replay(jobId: string): Promise<void> {
  if (jobId === '') throw new UserError('Say which job; curl http://localhost:8000/dlq/messages lists them.');
  const { API_TOKEN: token = '' } = await readEnvironment(root);
  const api = await runningApi();
  printAnswer(await api.replay(jobId, token));
  console.log(`\ncurl "${api.url}/status/${jobId}?wait=20"`);
}

async function runningApi(): Promise<ApiClient> {
  const { apiUrl } = await (await currentRuntime()).running();
  return new ApiClient(apiUrl);
}

/** @throws UserError if the answer is a refusal */
function printAnswer({ status, body }: Answer): void {
  console.log(JSON.stringify(body, null, 2));
  if (status >= 400) throw new UserError(`\nRefused with ${status} ${problemIn(body).code}.`);
}
