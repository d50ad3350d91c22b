/** Addresses of what belongs to a job. */
export interface Links {
  status(jobId: string): string;
  result(jobId: string): string;
  original(jobId: string): string;
  thumbnail(jobId: string): string;
  /** How far a replay of dead letters is. */
  replay(replayId: string): string;
  /** The WebSocket on which the job's events arrive; undefined where callers cannot reach it. */
  events(jobId: string): string | undefined;
}

/**
 * @param apiUrl without a slash at its end; empty makes links relative to the host
 * @param notificationUrl e.g. `ws://localhost:8001`; empty: there is no link to it
 */
export function createLinks(apiUrl: string, notificationUrl: string): Links {
  return {
    status: (jobId) => `${apiUrl}/status/${jobId}`,
    result: (jobId) => `${apiUrl}/results/${jobId}`,
    original: (jobId) => `${apiUrl}/originals/${jobId}`,
    thumbnail: (jobId) => `${apiUrl}/thumbnail/${jobId}`,
    replay: (replayId) => `${apiUrl}/dlq/replays/${replayId}`,
    events: (jobId) => (notificationUrl === '' ? undefined : `${notificationUrl}/ws?job_id=${jobId}`),
  };
}
