/** Whether a service accepts work. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

const RESPONSE_MS = 2_000;

/** Asks the service on this port of this machine whether it is ready. */
export async function probe(port: number, path = '/readyz'): Promise<Readiness> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(RESPONSE_MS),
    });
    const body = await response.text();
    return response.ok ? { ready: true } : { ready: false, reason: reasonIn(body) };
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
    // Not JSON: returned as it is.
  }
  return body.slice(0, 200);
}
