import { PipelineError } from '@image-pipeline/shared/errors.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { Request, RequestHandler, Response } from 'express';
import { acceptedJobOf, verdictsOf, type FileVerdict } from '../contracts/upload-answer.ts';
import { examineImage } from '../examine-image.ts';
import type { Links } from '../links.ts';
import { parseWishes, type Wishes } from '../parse-wishes.ts';
import { problemOf } from '../problem.ts';
import { removeFolder, type TempFolder } from '../temp-folder.ts';
import { uploadImage, type UploadImageDeps } from '../upload-image.ts';
import type { FormLimits } from './form-limits.ts';
import { receiveForm, type ReceivedFile } from './receive-form.ts';
import { sendProblem } from './send-problem.ts';

export interface UploadRouteDeps {
  readonly limits: FormLimits;
  readonly tempFolder: Pick<TempFolder, 'makeFolder'>;
  readonly uploads: UploadImageDeps;
  readonly links: Links;
  readonly metrics: Metrics;
}

/** `POST /upload`: receive the form, read its wishes, make each of its files a job. */
export function uploadRoute(deps: UploadRouteDeps): RequestHandler {
  return async (request, response) => {
    const folder = await deps.tempFolder.makeFolder();
    try {
      const form = await receiveForm(request, response, folder, deps.limits);
      const wishes = parseWishes(form.fields);
      answer(await judgeFiles(form.files, wishes, deps), request, response, deps.links);
    } finally {
      await removeFolder(folder);
    }
  };
}

/** One after the other, so that jobs are queued in the order of the files. */
async function judgeFiles(
  files: readonly ReceivedFile[],
  wishes: Wishes,
  deps: UploadRouteDeps,
): Promise<FileVerdict[]> {
  const verdicts: FileVerdict[] = [];
  for (const file of files) verdicts.push(await judgeFile(file, wishes, deps));
  return verdicts;
}

async function judgeFile(file: ReceivedFile, wishes: Wishes, deps: UploadRouteDeps): Promise<FileVerdict> {
  try {
    const request = await uploadImage(await examineImage(file), wishes, deps.uploads);
    deps.metrics.increase('image_uploads_accepted_total');
    return { file: file.name, request };
  } catch (error) {
    deps.metrics.increase('image_uploads_refused_total', { code: problemOf(error).code });
    return { file: file.name, error };
  }
}

/** One file: its job or its problem. Several: the verdict on each, and a problem only if none was accepted. */
function answer(verdicts: readonly FileVerdict[], request: Request, response: Response, links: Links): void {
  const [first] = verdicts;
  if (first === undefined) {
    throw new PipelineError('no_file', 'The form has no file; send one, e.g. curl -F "file=@photo.jpg"');
  }
  if (verdicts.length === 1) {
    if ('error' in first) throw first.error;
    response
      .status(202)
      .location(links.status(first.request.job_id))
      .json(acceptedJobOf(first.request, links));
    return;
  }
  const jobs = verdictsOf(verdicts, links);
  if (verdicts.every((verdict) => 'error' in verdict)) {
    sendProblem(request, response, { ...problemOf(verdicts[0]?.error), jobs });
  } else {
    response.status(202).json({ jobs });
  }
}
