import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { republishCountsSchema } from '@image-pipeline/shared/contracts/republish.ts';
import { parsePrintable, printable } from '@image-pipeline/shared/printable.ts';
import { describeProblems, validate } from '@image-pipeline/shared/validation.ts';
import { z } from 'zod';
import { UserError } from '../user-error.ts';

/** The parts of the API's responses that the commands use. */
const side = z.int();
const jobSchema = z.object({
  job_id: z.string(),
  status: z.enum(['queued', 'processing', 'retrying', 'completed', 'failed']),
  submitted_at: z.string(),
  updated_at: z.string(),
  original: z.object({ name: z.string(), size: z.int() }),
  source: z.object({ width: side, height: side }).optional(),
  result: z
    .object({ url: z.string(), content_type: z.string(), size: z.int(), width: side, height: side })
    .optional(),
  error: z.object({ code: z.string(), reason: z.string() }).optional(),
  run: z.int(),
  /** State changes of this run, oldest first. */
  timeline: z.array(
    z.object({
      state: z.string(),
      at: z.string(),
      attempt: z.int(),
      worker: z.string().optional(),
      redelivered: z.boolean().optional(),
      delivery: z.int().optional(),
      reason: z.string().optional(),
      retry_at: z.string().optional(),
    }),
  ),
  runs: z.array(z.object({ run: z.int(), status: z.string() })),
});
export type Job = z.infer<typeof jobSchema>;

const jobListSchema = z.object({
  jobs: z.array(z.object({ job_id: z.string(), name: z.string(), status: z.string() })),
});
export type ListedJob = z.infer<typeof jobListSchema>['jobs'][number];

/** With other members, such as the jobs. */
const republishedSchema = republishCountsSchema.loose();
type Republished = z.infer<typeof republishedSchema>;

const problemSchema = z.object({ code: z.string(), detail: z.string() });

/** A response of the API. */
export interface ApiResponse {
  readonly status: number;
  readonly body: unknown;
}

/** An upload takes as long as the file; `?wait` holds a status for 20 s, and republishing may take 45 s. */
const RESPONSE_MS = 60_000;

export class ApiClient {
  readonly url: string;

  /** @param url of the API, e.g. `http://localhost:8000` */
  constructor(url: string) {
    this.url = url;
  }

  /** Uploads a file. `operations` may be empty. */
  async upload(path: string, operations: string): Promise<ApiResponse> {
    const form = new FormData();
    form.set('file', await openAsBlob(path), basename(path));
    if (operations !== '') form.set('operations', operations);
    return this.#ask('/upload', { method: 'POST', body: form });
  }

  async status(jobId: string): Promise<ApiResponse> {
    return this.#ask(`/status/${encodeURIComponent(jobId)}`);
  }

  /** @throws UserError if it is unknown */
  async job(jobId: string): Promise<Job> {
    return this.read(`/status/${encodeURIComponent(jobId)}`, jobSchema);
  }

  /**
   * The newest job; undefined if there is none.
   * @param status only jobs in this state, e.g. `failed`
   */
  async newestJob(status?: Job['status']): Promise<ListedJob | undefined> {
    const filter = status === undefined ? '' : `&status=${status}`;
    return (await this.read(`/jobs?limit=1${filter}`, jobListSchema)).jobs[0];
  }

  /** Replays a dead letter; a dry run only reports what would be replayed. */
  async replay(jobId: string, token: string, { dryRun = false } = {}): Promise<ApiResponse> {
    return this.#ask('/dlq/replay', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ ids: [jobId], ...(dryRun ? { dry_run: true } : {}) }),
    });
  }

  /**
   * Republishes a job whose message was lost; without an id, all of them. Repeats the request until no job is left.
   * @param onLeft called after each request that left jobs, with the sums so far
   * @returns the last response; if it is a success, with the sums of all
   */
  async republish(
    jobId: string | undefined,
    token: string,
    onLeft: (sums: Pick<Republished, 'republished' | 'left'>) => void,
  ): Promise<ApiResponse> {
    let sums: Republished | undefined;
    for (;;) {
      const response = await this.#ask('/jobs/republish', {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body: JSON.stringify(jobId === undefined ? { all: true } : { ids: [jobId] }),
      });
      const { data: counts } = republishedSchema.safeParse(response.body);
      if (counts === undefined) return response;
      sums = sums === undefined ? counts : addCounts(sums, counts);
      if (sums.left === 0) return { ...response, body: sums };
      onLeft(sums);
    }
  }

  /** Removes a dead letter for good; its job stays failed. */
  async discard(jobId: string, token: string): Promise<ApiResponse> {
    const headers = { Authorization: `Bearer ${token}` };
    return this.#ask(`/dlq/messages?id=${encodeURIComponent(jobId)}`, { method: 'DELETE', headers });
  }

  /**
   * `GET path`, parsed by the schema.
   * @throws UserError if the status is not 200, or the body is something else
   */
  async read<Value>(path: string, schema: z.ZodType<Value>): Promise<Value> {
    const { status, body } = await this.#ask(path);
    if (status !== 200) throw new UserError(`GET ${path} returned ${status}: ${problemIn(body).detail}`);
    const { data, problems } = validate(schema, body);
    if (problems === undefined) return data;
    throw new UserError(
      `Another program or version responds at ${this.url}: GET ${path}, ${describeProblems(problems)}. See: make ps`,
    );
  }

  /** The job once it has ended, or its current state after `timeoutMs`. */
  async untilEnded(jobId: string, timeoutMs: number): Promise<Job> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const job = await this.read(`/status/${encodeURIComponent(jobId)}?wait=20`, jobSchema);
      if (job.status === 'completed' || job.status === 'failed' || performance.now() > deadline) return job;
    }
  }

  async #ask(path: string, init: RequestInit = {}): Promise<ApiResponse> {
    let response: Response;
    try {
      response = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(RESPONSE_MS) });
    } catch (error) {
      throw new UserError(`The API at ${this.url} does not respond. See: make ps`, { cause: error });
    }
    return { status: response.status, body: parse(await response.text()) };
  }
}

/** Of a repeated request; `unaccounted` of the first includes those that it left. */
function addCounts(sums: Republished, next: Republished): Republished {
  return {
    ...sums,
    republished: sums.republished + next.republished,
    ended: sums.ended + next.ended,
    damaged: sums.damaged + next.damaged,
    left: next.left,
  };
}

/** The job id in the response to an upload; undefined if it was refused. */
export function acceptedJobId({ body }: ApiResponse): string | undefined {
  return z.object({ job_id: z.string() }).safeParse(body).data?.job_id;
}

/** Code and detail of an error response. */
export function problemIn(body: unknown): { code: string; detail: string } {
  return problemSchema.safeParse(body).data ?? { code: 'unknown', detail: JSON.stringify(body) };
}

/** Responses contain untrusted names and are printed to the terminal. */
function parse(text: string): unknown {
  try {
    return parsePrintable(text);
  } catch {
    return printable(text);
  }
}
