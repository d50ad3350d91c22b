// These modules register their schemas in zod's registry when they are loaded.
import '@image-pipeline/shared/contracts/event.ts';
import '@image-pipeline/shared/contracts/job.ts';
import '@image-pipeline/shared/contracts/replay.ts';
import '@image-pipeline/shared/contracts/webhook.ts';
import '@image-pipeline/shared/contracts/websocket.ts';
import '@image-pipeline/shared/contracts/worker-command.ts';
import { z } from 'zod';

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

/** Every named contract as JSON Schema draft 7, on which AsyncAPI schemas are based. */
export function componentSchemas(): Readonly<Record<string, object>> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    target: 'draft-7',
    uri: (name) => `#/components/schemas/${name}`,
    override: simplify,
  });
  // By name, because the order of the registry depends on the order in which modules are loaded.
  const sorted = Object.entries(schemas).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, schema]) => [name, bare(schema)]));
}

/** Without the keywords that make no sense in a component. */
function bare(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}

/** Omits details that do not help readers. */
const simplify: Override = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod;
  // Consumers ignore unknown fields, unless the contract says otherwise.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // It only spells out leap years.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
