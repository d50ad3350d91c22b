import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { someRequest } from '../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { operations } from './openapi/document.ts';
import { setUpSystem } from '../testing/test-system.ts';
import { form, images } from '../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, RawClient } from '../testing/raw-client.ts';

const system = setUpSystem();

describe('the HTTP surface', () => {
  it('returns problem details for unknown paths', async () => {
    const api = await system.startApi();
    for (const path of ['/nothing', '/status', '/status/a/b', '/docs/index.html', '/%E0%A4%A']) {
      expect(await api.ask(path)).toMatchObject({ status: 404, json: { code: 'not_found', instance: path } });
    }
  });

  it('returns 405 with Allow for other methods, and supports OPTIONS', async () => {
    const api = await system.startApi();
    for (const route of Object.keys(operations)) {
      const [method = '', pattern = ''] = route.split(' ');
      const path = pattern.replace('{job_id}', someRequest().job_id);
      const refused = await api.ask(path, { method: 'PUT' });
      expect(refused).toMatchObject({ status: 405, json: { code: 'method_not_allowed' } });
      expect(refused.headers.get('allow')).toContain(method);
      expect((await api.ask(path, { method: 'OPTIONS' })).status).toBe(204);
    }
  });

  it('reveals no software, and forbids framing and sniffing', async () => {
    const api = await system.startApi();
    const { headers } = await api.ask('/livez');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 .*"code":"malformed_request"/s],
    ['a head that is too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /"headers_too_large"/],
  ])('returns problem details for %s', async (_case, bytes, expected) => {
    const api = await system.startApi();
    const client = await RawClient.to(api.port);
    await client.send(bytes);
    await client.closed();
    expect(client.received).toMatch(expected);
    expect(client.received).toContain('application/problem+json');
  });

  it.each(['/', '/docs'])('has a page at %s that loads nothing from other hosts', async (path) => {
    const api = await system.startApi();
    const page = await api.ask(path);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = page.bytes.toString();
    const parts = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address ?? '');
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect((await api.ask(part)).status, part).toBe(200);
    expect(html).not.toMatch(/https?:/);
  });

  it('shows its own document in Swagger UI', async () => {
    const api = await system.startApi();
    expect((await api.ask('/docs/start.js')).bytes.toString()).toContain("url: '/openapi.json'");
  });
});

describe('/metrics', () => {
  it('counts requests by route, uploads, and shows the depth of every queue', async () => {
    const api = await system.startApi();
    await api.upload(form([{}, { bytes: new Uint8Array() }]));
    await api.ask('/status/made-up-by-a-caller');
    const metric = (line: string) =>
      expect
        .poll(async () => (await api.ask('/metrics')).bytes.toString(), { timeout: 5_000 })
        .toContain(`${line}\n`);
    await metric('image_uploads_accepted_total 1');
    await metric('image_uploads_refused_total{code="empty_file"} 1');
    await metric('image_http_requests_total{method="POST",route="/upload",status="202"} 1');
    await metric('image_http_requests_total{method="GET",route="/status/:job_id",status="404"} 1');
    await metric(`rabbitmq_queue_messages_ready{queue="${queueNames.process}"} 1`);
    await metric(`rabbitmq_queue_consumers{queue="${queueNames.process}"} 0`);
  });
});

describe('image_http_server_errors_total', () => {
  it('is present before the first 5xx response, and counts them', async () => {
    const api = await system.beginApi();
    const errors = async () => {
      const text = (await api.ask('/metrics')).bytes.toString();
      return Number(/^image_http_server_errors_total (\d+)$/m.exec(text)?.[1]);
    };
    expect(await errors()).toBe(0);
    expect((await api.ask('/nothing')).status).toBe(404);
    expect((await api.ask('/readyz')).status).toBe(503);
    expect((await api.ask('/queue/status')).status).toBe(503);
    await expect.poll(errors, { timeout: 5_000 }).toBe(1);
  });
});

describe('a stop', () => {
  it('lets an upload in progress finish, and accepts no further one', async () => {
    const api = await system.startApi();
    const body = Buffer.concat([
      Buffer.from(BEGINNING_OF_FILE),
      images['image/png'],
      Buffer.from('\r\n--x--\r\n'),
    ]);
    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload([`Content-Length: ${body.length}`]));
    await client.send(body.subarray(0, 50));
    // Its headers have been read once a later request has its response.
    await api.ask('/livez');
    const stopped = api.stop();
    await expect
      .poll(() =>
        api.ask('/livez').then(
          () => 'response',
          () => 'refused',
        ),
      )
      .toBe('refused');
    await client.send(body.subarray(50));
    await client.closed();
    expect(client.received).toMatch(/^HTTP\/1\.1 202 /);
    await stopped;
  });

  it('can be called twice, and during the start', async () => {
    const api = await system.beginApi();
    await Promise.all([api.stop(), api.stop()]);
  });
});
