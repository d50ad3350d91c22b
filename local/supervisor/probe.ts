/** Whether a service takes work. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

const ANSWER_MS = 2_000;

/** Asks the service on this port; every one of ours answers at `/readyz`. */
export async function probe(port: number, path = '/readyz'): Promise<Readiness> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const body = await answer.text();
    return answer.ok ? { ready: true } : { ready: false, reason: reasonIn(body) };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    return { ready: false, reason: timedOut ? 'not responding' : 'not listening yet' };
  }
}

function reasonIn(body: string): string {
  try {
    const json: unknown = JSON.parse(body);
    for (const member of ['reason', 'detail', 'title'] as const) {
      const value = (json as Record<string, unknown> | null)?.[member];
      if (typeof value === 'string') return value;
    }
  } catch {
    // Not JSON: shown as it is.
  }
  return body.slice(0, 200);
}
