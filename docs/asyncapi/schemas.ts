// These modules name their schemas in zod's registry as they are loaded.
import '@image-pipeline/shared/contracts/event.ts';
import '@image-pipeline/shared/contracts/job.ts';
import '@image-pipeline/shared/contracts/replay.ts';
import '@image-pipeline/shared/contracts/webhook.ts';
import '@image-pipeline/shared/contracts/websocket.ts';
import { z } from 'zod';

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>;

/** Every contract that has a name, as JSON Schema draft 7, on which the schemas of AsyncAPI are built. */
export function componentSchemas(): Readonly<Record<string, object>> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    target: 'draft-7',
    uri: (name) => `#/components/schemas/${name}`,
    override: simplify,
  });
  // By name, as the order of the registry is that in which modules happen to be loaded.
  const sorted = Object.entries(schemas).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, schema]) => [name, bare(schema)]));
}

/** Without what a component has by its place in the document. */
function bare(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}

/** Leaves out what tells a reader nothing. */
const simplify: Override = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod;
  // Readers ignore fields that they do not know, unless the contract says otherwise.
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties;
  // The leap years, spelled out.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
