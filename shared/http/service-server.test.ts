import { describe, expect, it, onTestFinished } from 'vitest';
import { createMetrics } from '../metrics.ts';
import { createServiceServer } from './service-server.ts';

/** @returns calls a server with one route besides the common ones */
async function givenServer(): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const server = createServiceServer({
    service: 'monitoring',
    host: '127.0.0.1',
    port: 0,
    portsToTry: 1,
    notReadyBecause: () => undefined,
    metrics: createMetrics('monitoring'),
    routes: {
      'GET /status': { description: 'All of it <now>.', handle: () => ({ status: 200, body: { all: 1 } }) },
      'PUT /interval': { description: 'Changes it.', handle: () => ({ status: 200, body: {} }) },
    },
  });
  await server.start();
  onTestFinished(() => server.stop());
  return (path, init) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

describe('the server of a service', () => {
  it('lists every address at its root, one a line', async () => {
    const call = await givenServer();
    const response = await call('/');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      service: 'monitoring',
      addresses: {
        'GET /': 'This list.',
        'GET /status': 'All of it <now>.',
        'PUT /interval': 'Changes it.',
        'GET /livez': 'Whether the process responds.',
        'GET /readyz': 'Whether the service is ready, and if not, why.',
        'GET /metrics': 'Metrics for Prometheus.',
      },
    });
    expect(text).toContain('\n    "GET /status": "All of it <now>.",\n');
  });

  it('shows browsers a page with links that may load and run nothing', async () => {
    const call = await givenServer();
    const response = await call('/', { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('vary')).toBe('Accept');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^' ]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    const page = await response.text();
    expect(page).toContain('GET <a href="/status">/status</a>');
    expect(page).toContain('All of it &lt;now&gt;.');
    expect(page).toContain('<dt>PUT /interval</dt>');
    for (const [, path = ''] of page.matchAll(/href="(\/[^"]*)"/g)) {
      expect((await call(path)).status, path).toBe(200);
    }
  });

  it('names what is there where an address is unknown, or does not support the method', async () => {
    const call = await givenServer();
    const unknown = await call('/nowhere');
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      {
        error:
          'Unknown address. Available: GET /, GET /status, PUT /interval, GET /livez, GET /readyz, GET /metrics.',
      },
    ]);
    const refused = await call('/livez', { method: 'POST' });
    expect([refused.status, refused.headers.get('allow'), await refused.json()]).toEqual([
      405,
      'GET',
      { error: 'This address supports only GET.' },
    ]);
    expect((await call('/', { method: 'HEAD' })).status).toBe(200);
  });
});
