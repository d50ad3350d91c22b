import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { permissionsOfServices } from '@image-pipeline/shared/broker/permissions.ts';
import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { clientMessageSchema, serverMessageSchema } from '@image-pipeline/shared/contracts/websocket.ts';
import { jobEventSchemas } from '@image-pipeline/shared/contracts/event.ts';
import { describe, expect, it } from 'vitest';
import { asyncapiYaml, createAsyncapiDocument } from './document.ts';
import { clientMessages, eventTypes, serverMessages, workerMessages } from './messages.ts';

describe('the AsyncAPI document', () => {
  it('matches its generated file (npm run docs)', async () => {
    const committed = await readFile(join(import.meta.dirname, '../asyncapi.yaml'), 'utf8');
    expect(committed, 'run `npm run docs`').toBe(asyncapiYaml());
  });

  it('is valid AsyncAPI 3.0', async () => {
    const { document, diagnostics } = await new Parser().parse(asyncapiYaml());
    // Errors and warnings; what is only advice (to use a version that came out since) is left out.
    const problems = diagnostics.filter(({ severity }) => new Set<number>([0, 1]).has(severity));
    expect(problems.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
  });

  it('has every message of every contract', async () => {
    const { document } = await new Parser().parse(asyncapiYaml());
    const names = document?.allMessages().map((message) => message.id());
    const sockets = [...Object.values(clientMessages), ...Object.values(serverMessages)].flat();
    expect(new Set(names)).toEqual(
      new Set(['job', 'replay', ...workerMessages, 'Webhook', ...eventTypes, ...sockets]),
    );
    expect(eventTypes).toEqual([...Object.keys(jobEventSchemas), 'worker.consuming', 'service.following']);
    const contracts = [...clientMessageSchema.options, ...serverMessageSchema.options];
    expect(sockets.toSorted()).toEqual(contracts.map((schema) => schema.meta()?.id).toSorted());
  });

  it('uses every schema that it defines', () => {
    const text = JSON.stringify(createAsyncapiDocument());
    const { components } = createAsyncapiDocument() as { components: { schemas: Record<string, object> } };
    for (const name of Object.keys(components.schemas)) {
      expect(text, name).toContain(`"$ref":"#/components/schemas/${name}"`);
    }
  });

  // The API has permissions for the whole topology, because it declares it.
  it.each(['worker', 'notification', 'monitoring'] as const)(
    'has the operations of %s that its user may do',
    async (service) => {
      const { document } = await new Parser().parse(asyncapiYaml());
      const operations = document?.allOperations().all() ?? [];
      const channels = (action: 'send' | 'receive') =>
        operations
          .filter(
            (operation) =>
              operation.id()?.startsWith(`${service}.`) === true && operation.action() === action,
          )
          .flatMap((operation) => operation.channels().all())
          .map((channel) => channel.id())
          .filter((id) => /^(exchange|queue)\./.test(id));
      const permitted = (pattern: string) => [
        ...Object.values(exchangeNames).flatMap((name) =>
          new RegExp(pattern).test(name) ? `exchange.${name}` : [],
        ),
        ...Object.values(queueNames).flatMap((name) =>
          new RegExp(pattern).test(name) ? `queue.${name}` : [],
        ),
      ];
      const { write, read } = permissionsOfServices[service];
      expect(new Set(channels('send'))).toEqual(new Set(permitted(write)));
      expect(new Set(channels('receive'))).toEqual(new Set(permitted(read)));
    },
  );
});
