/** URLs of a job's resources. */
export interface Links {
  status(jobId: string): string;
  result(jobId: string): string;
  original(jobId: string): string;
  thumbnail(jobId: string): string;
  /** Progress of a replay of dead letters. */
  replay(replayId: string): string;
  /** WebSocket with the job's events; undefined where clients cannot reach it. */
  events(jobId: string): string | undefined;
}

/**
 * @param apiUrl without a trailing slash; empty: links are relative to the host
 * @param notificationUrl e.g. `ws://localhost:8001`; empty: no links to it
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
