import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { memoryLimit } from '@image-pipeline/shared/memory-limit.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { ApiConfig, apiLimits } from '../config.ts';
import { clientAddress } from '../http/request.ts';
import { setJobId } from '../http/observe.ts';
import { problemOf } from '../http/problem.ts';
import { sendProblem } from '../http/send-problem.ts';
import { createSlots, type InSlot } from '../http/slots.ts';
import type { Links } from '../jobs/links.ts';
import type { Admission } from './admission.ts';
import { type FormLimits, formLimits } from './form-limits.ts';
import { findCostly } from './estimate-upload.ts';
import {
  completeReservedJob,
  idempotencyKeyOf,
  InFlightKeys,
  isStored,
  REPLAYED_HEADER,
  type ReservedJobs,
  reserveUpload,
  type UploadDeps,
} from './idempotency.ts';
import { type InspectedFile, inspectFile } from './inspect-image.ts';
import { type ReceivedFile, receiveForm, ReceivedFiles } from './receive-form.ts';
import { uploadImage } from './upload-image.ts';
import { type CallbackRules, parseUploadOptions, type UploadOptions } from './upload-options.ts';
import { uploadCapacity, UploadSpace } from './upload-space.ts';
import { acceptedJobOf, type FileResult, fileResultsResponse } from './upload-response.ts';

export interface UploadRouteDeps {
  readonly limits: FormLimits;
  readonly callbacks: CallbackRules;
  /** For one image; see `findCostly`. */
  readonly maxEstimatedSeconds: number;
  readonly space: UploadSpace;
  readonly inUploadSlot: InSlot;
  readonly admission: Pick<Admission, 'enter'>;
  readonly uploads: UploadDeps;
  readonly links: Links;
  readonly metrics: Metrics;
}

const MIB = 1024 * 1024;

interface CreateUploadOptions extends Pick<UploadRouteDeps, 'admission' | 'uploads' | 'links' | 'metrics'> {
  readonly config: ApiConfig;
  readonly limits: typeof apiLimits;
}

/** What `POST /upload` needs. Concurrent uploads are limited to those that fit into the memory of this machine or container. */
export function createUpload({ config, limits, ...deps }: CreateUploadOptions): UploadRouteDeps {
  const memory = memoryLimit();
  const capacity = uploadCapacity(config, memory);
  if (capacity.slots < config.UPLOADS_IN_FLIGHT) {
    const limit = `${Math.round(memory.bytes / MIB)} MiB of memory`;
    deps.uploads.log.warn(
      `concurrent uploads limited to ${capacity.slots} instead of UPLOADS_IN_FLIGHT=${config.UPLOADS_IN_FLIGHT}: ${limit} is too little for files of up to ${config.MAX_FILE_BYTES} bytes (MAX_FILE_BYTES)`,
    );
  }
  return {
    ...deps,
    limits: formLimits(config, limits),
    callbacks: { isSetUp: config.WEBHOOK_SECRET.length > 0, allowed: config.WEBHOOK_ALLOWED_HOSTS },
    maxEstimatedSeconds: config.MAX_ESTIMATED_SECONDS,
    space: new UploadSpace(capacity),
    inUploadSlot: createSlots({ what: 'uploads', slots: capacity.slots, waitMs: limits.uploadWaitMs }),
  };
}

/**
 * `POST /upload`, whose body is not read before it has a slot. It keeps the slot until its response is decided, also if
 * the client has closed the connection. The steps are in `processUpload`.
 */
export function uploadRoute(deps: UploadRouteDeps): RequestHandler {
  const inFlightKeys = new InFlightKeys();
  return (request, response) =>
    deps.inUploadSlot(request, response, async () => {
      const key = idempotencyKeyOf(request);
      const received = new ReceivedFiles(deps.space, clientAddress(request));
      try {
        const results = await processUpload({ request, response, key, received, inFlightKeys }, deps);
        sendResults(results, request, response, deps.links);
      } finally {
        await received.discard();
      }
    });
}

interface UploadContext {
  readonly request: Request;
  readonly response: Response;
  readonly key: string | undefined;
  readonly received: ReceivedFiles;
  readonly inFlightKeys: InFlightKeys;
}

/**
 * Admit, receive the form, read the options, inspect the files, reserve the key, make each image a job. The key and the
 * place in the queue are released before the response is sent: its receiver may send the next request at once.
 */
async function processUpload(upload: UploadContext, deps: UploadRouteDeps): Promise<FileResult[]> {
  const { request, response, key, received, inFlightKeys } = upload;
  const releases = [inFlightKeys.claim(key)];
  try {
    releases.push(await deps.admission.enter());
    const form = await receiveForm(request, response, received, deps.limits);
    const options = parseUploadOptions(form.fields, deps.callbacks);
    const inspect = async (file: ReceivedFile): Promise<InspectedFile> => {
      const inspected = await inspectFile(file);
      if ('error' in inspected) return inspected;
      const refusal = await findCostly(inspected.image, options, deps.maxEstimatedSeconds);
      return { file, image: { ...inspected.image, refusal } };
    };
    const files = await Promise.all(form.files.map(inspect));
    const reserved = key === undefined ? undefined : await reserveUpload(key, files, options, deps.uploads);
    const results: FileResult[] = [];
    // One after the other, so that jobs are queued in the order of the files.
    for (const file of files) results.push(await acceptFile(file, options, reserved, deps));
    return results;
  } finally {
    for (const release of releases) release();
  }
}

async function acceptFile(
  inspected: InspectedFile,
  options: UploadOptions,
  reserved: ReservedJobs | undefined,
  { uploads, metrics }: UploadRouteDeps,
): Promise<FileResult> {
  const file = inspected.file.name;
  try {
    if ('error' in inspected) throw inspected.error;
    const { image } = inspected;
    const request = reserved?.get(image);
    if (image.refusal !== undefined && !(request && (await isStored(request, uploads)))) throw image.refusal;
    const job =
      request === undefined
        ? { request: await uploadImage(image, options, uploads), repeated: false }
        : await completeReservedJob(image, request, uploads);
    if (!job.repeated) metrics.increase('image_uploads_accepted_total');
    return { file, ...job };
  } catch (error) {
    metrics.increase('image_uploads_refused_total', { code: problemOf(error).code });
    return { file, error };
  }
}

/** One file: its job or its problem. Several: the result of each, and a problem only if none was accepted. */
function sendResults(
  results: readonly FileResult[],
  request: Request,
  response: Response,
  links: Links,
): void {
  const [first] = results;
  if (first === undefined) {
    throw new PipelineError('no_file', 'Missing file. Send one, e.g. curl -F "file=@photo.jpg".');
  }
  const accepted = results.filter((result) => 'request' in result);
  if (accepted.length > 0 && accepted.every(({ repeated }) => repeated)) {
    response.setHeader(REPLAYED_HEADER, 'true');
  }
  if (results.length === 1) {
    if ('error' in first) throw first.error;
    setJobId(response, first.request.job_id);
    response
      .status(202)
      .location(links.status(first.request.job_id))
      .json(acceptedJobOf(first.request, links));
    return;
  }
  const jobs = fileResultsResponse(results, links);
  if (accepted.length === 0 && 'error' in first) {
    sendProblem(request, response, { ...problemOf(first.error), jobs });
  } else {
    response.status(202).json({ jobs });
  }
}
