import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) });
/** The fields of an OTLP request in JSON that are used here. */
const otlpSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(z.object({ name: z.string(), traceId: z.string() })) })),
    }),
  ),
});

interface CollectedSpan {
  /** e.g. `worker` */
  readonly service: string;
  /** Of the service, e.g. `worker-1`. */
  readonly instance: string;
  readonly name: string;
  readonly traceId: string;
}

export interface OtlpCollector {
  readonly url: string;
  /** All received spans. */
  readonly spans: readonly CollectedSpan[];
  /** From now on it accepts requests and sends no responses. */
  hang(): void;
  stop(): Promise<void>;
}

/** A fake OpenTelemetry collector that keeps the spans that it receives. */
export async function startCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      for (const { resource, scopeSpans } of otlpSchema.parse(JSON.parse(body)).resourceSpans) {
        const values = new Map(resource.attributes.map(({ key, value }) => [key, value.stringValue ?? '']));
        const service = values.get('service.name') ?? '';
        const instance = values.get('service.instance.id') ?? '';
        const all = scopeSpans.flatMap((scope) => scope.spans);
        spans.push(...all.map((span) => ({ service, instance, ...span })));
      }
      response.end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    spans,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hang: () => void server.removeAllListeners('request'),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
