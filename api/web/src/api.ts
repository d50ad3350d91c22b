import type { DeadLetter } from '../../../shared/contracts/dead-letter.ts';
import type { WorkerCommand } from '../../../shared/contracts/worker-command.ts';
import type { JobList } from '../../jobs/list-jobs.ts';
import type { StatusResponse } from '../../jobs/status-response.ts';
import type { PageSettings } from '../../page/page-routes.ts';
import type { ListedJob } from './live/jobs.ts';
import { isTokenRefused, token } from './token.ts';

/** An unsuccessful response of the API: RFC 9457 problem details. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** All members, such as `limit`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, detail: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.members = members;
  }
}

/** The problem in a response body. */
export function problemIn(status: number, body: string): Problem {
  try {
    const members = JSON.parse(body) as { code?: string; detail?: string; title?: string };
    const { code, detail, title } = members;
    return new Problem(status, code ?? 'unknown', detail ?? title ?? `HTTP ${status}`, members);
  } catch {
    return new Problem(status, 'unknown', `HTTP ${status}`);
  }
}

/** @throws Problem; TypeError if the API cannot be reached */
async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  if (token.value !== '') headers.set('Authorization', `Bearer ${token.value}`);
  const response = await fetch(path, { ...init, headers });
  const body = await response.text();
  if (response.status === 401) isTokenRefused.value = true;
  if (!response.ok) throw problemIn(response.status, body);
  return (body === '' ? undefined : JSON.parse(body)) as T;
}

function postJson<T>(path: string, body: unknown): Promise<T> {
  return call<T>(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export const readSettings = () => call<PageSettings>('/page.json');

export const readStatus = (id: string) => call<StatusResponse>(`/status/${encodeURIComponent(id)}`);

/** The newest jobs that match, newest first, by pages of 1,000. @param filter parameters of `GET /jobs` */
export async function* listJobs(
  pages: number,
  filter = new URLSearchParams(),
): AsyncGenerator<readonly ListedJob[]> {
  let cursor: string | null = '';
  for (let page = 0; page < pages && cursor !== null; page++) {
    const query = new URLSearchParams(filter);
    query.set('limit', '1000');
    if (cursor !== '') query.set('cursor', cursor);
    const list: JobList = await call<JobList>(`/jobs?${query.toString()}`);
    yield list.jobs.map((job) => ({
      id: job.job_id,
      state: job.status,
      run: job.run,
      attempt: job.attempt,
      submittedAt: job.submitted_at,
      updatedAt: job.updated_at,
      name: job.name,
      size: job.size,
      startedAt: job.started_at,
      worker: job.worker,
      slot: job.slot,
      error: job.error,
      retryAt: job.retry_at,
    }));
    cursor = list.next_cursor;
  }
}

export type ListedDeadLetter = Omit<DeadLetter, 'version' | 'state'>;

export async function readDeadLetters(): Promise<ListedDeadLetter[]> {
  const found: ListedDeadLetter[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { messages: ListedDeadLetter[]; next_cursor: string | null } = await call(
      `/dlq/messages?limit=1000${query}`,
    );
    found.push(...page.messages);
    cursor = page.next_cursor;
  }
  return found;
}

export const startReplay = (ids: readonly string[]) =>
  postJson<{ replay_id: string }>('/dlq/replay', { ids });

export function removeDeadLetters(ids: readonly string[]): Promise<{ removed: number }> {
  const query = ids.map((id) => `id=${encodeURIComponent(id)}`).join('&');
  return call(`/dlq/messages?${query}`, { method: 'DELETE' });
}

export const commandWorker = (worker: string, command: WorkerCommand) =>
  postJson<unknown>('/development/commands', { worker, command });

export const resultUrl = (id: string) => `/results/${id}`;
export const originalUrl = (id: string) => `/originals/${id}`;
