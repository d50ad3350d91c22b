import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { Request, Response } from 'express';
import type { Admission } from './admission.ts';
import { acceptedJobOf, verdictsOf, type FileVerdict } from './upload-response.ts';
import { examineFile, type ExaminedFile } from './inspect-image.ts';
import { idempotencyKeyOf, REPLAYED_HEADER } from './idempotency-key.ts';
import { KeysInHand } from './in-flight-keys.ts';
import type { Links } from '../jobs/links.ts';
import type { CallbackRules } from './parse-callback-url.ts';
import { parseWishes, type Wishes } from './upload-options.ts';
import { problemOf } from '../http/problem.ts';
import { removeFolder, type TempFolder } from './temp-folder.ts';
import { uploadImage } from './upload-image.ts';
import { reserveUpload, type AcceptImage, type UploadOnceDeps } from './idempotency.ts';
import type { FormLimits } from './form-limits.ts';
import { rememberAs } from '../http/job-id.ts';
import { receiveForm } from './receive-form.ts';
import { sendProblem } from '../http/send-problem.ts';
import type { Handle } from './upload-slots.ts';

export interface UploadRouteDeps {
  readonly limits: FormLimits;
  readonly callbacks: CallbackRules;
  readonly tempFolder: Pick<TempFolder, 'makeFolder'>;
  readonly admission: Pick<Admission, 'during'>;
  readonly uploads: UploadOnceDeps;
  readonly links: Links;
  readonly metrics: Metrics;
}

/** `POST /upload`: receive the form, read its wishes, examine its files, make each image a job. */
export function uploadRoute(deps: UploadRouteDeps): Handle {
  const keysInHand = new KeysInHand();
  const judge = async (request: Request, response: Response, folder: string, key: string | undefined) => {
    const form = await receiveForm(request, response, folder, deps.limits);
    const wishes = parseWishes(form.fields, deps.callbacks);
    const files = await Promise.all(form.files.map(examineFile));
    return judgeFiles(files, await howToAccept(key, files, wishes, deps), deps);
  };
  return async (request, response) => {
    const key = idempotencyKeyOf(request);
    const folder = await deps.tempFolder.makeFolder();
    try {
      // Key and place are free again before the answer is out: who has it may ask at once.
      const verdicts = await keysInHand.during(key, () =>
        deps.admission.during(() => judge(request, response, folder, key)),
      );
      answer(verdicts, request, response, deps.links);
    } finally {
      await removeFolder(folder);
    }
  };
}

async function howToAccept(
  key: string | undefined,
  files: readonly ExaminedFile[],
  wishes: Wishes,
  { uploads }: UploadRouteDeps,
): Promise<AcceptImage> {
  const isAnyImage = files.some((file) => 'image' in file);
  if (key !== undefined && isAnyImage) return reserveUpload(key, files, wishes, uploads);
  return async (image) => ({ request: await uploadImage(image, wishes, uploads), repeated: false });
}

/** One after the other, so that jobs are queued in the order of the files. */
async function judgeFiles(
  files: readonly ExaminedFile[],
  accept: AcceptImage,
  deps: UploadRouteDeps,
): Promise<FileVerdict[]> {
  const verdicts: FileVerdict[] = [];
  for (const file of files) verdicts.push(await judgeFile(file, accept, deps));
  return verdicts;
}

async function judgeFile(
  examined: ExaminedFile,
  accept: AcceptImage,
  { metrics }: UploadRouteDeps,
): Promise<FileVerdict> {
  const file = examined.file.name;
  try {
    if ('error' in examined) throw examined.error;
    const job = await accept(examined.image);
    if (!job.repeated) metrics.increase('image_uploads_accepted_total');
    return { file, ...job };
  } catch (error) {
    metrics.increase('image_uploads_refused_total', { code: problemOf(error).code });
    return { file, error };
  }
}

/** One file: its job or its problem. Several: the verdict on each, and a problem only if none was accepted. */
function answer(verdicts: readonly FileVerdict[], request: Request, response: Response, links: Links): void {
  const [first] = verdicts;
  if (first === undefined) {
    throw new PipelineError('no_file', 'The form has no file; send one, e.g. curl -F "file=@photo.jpg"');
  }
  const accepted = verdicts.filter((verdict) => 'request' in verdict);
  if (accepted.length > 0 && accepted.every(({ repeated }) => repeated)) {
    response.setHeader(REPLAYED_HEADER, 'true');
  }
  if (verdicts.length === 1) {
    if ('error' in first) throw first.error;
    rememberAs(response, first.request.job_id);
    response
      .status(202)
      .location(links.status(first.request.job_id))
      .json(acceptedJobOf(first.request, links));
    return;
  }
  const jobs = verdictsOf(verdicts, links);
  if (accepted.length === 0 && 'error' in first) {
    sendProblem(request, response, { ...problemOf(first.error), jobs });
  } else {
    response.status(202).json({ jobs });
  }
}
