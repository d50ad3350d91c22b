import { z } from 'zod';
import { deadLetterFilterSchema, replayBodySchema, type ReplayBody } from './replay-body.ts';
import { invalidBySchema, invalidParameter } from '../http/invalid-parameter.ts';
import type { DeadLetterFilter } from './choose-dead-letters.ts';

export interface ReplayOrder {
  readonly selection: { readonly ids: readonly string[] } | { readonly filter: DeadLetterFilter };
  readonly dryRun: boolean;
  readonly limit: number;
}

const ways = ['ids', 'filter', 'all'] as const;
const record = z.record(z.string(), z.unknown());

/**
 * What a replay was asked for. All of them are those that an empty filter lets through.
 * @param body whatever the JSON was
 * @throws PipelineError `invalid_parameter` that names what is wrong and what is allowed
 */
export function parseReplayOrder(body: unknown): ReplayOrder {
  const members = record.safeParse(body).data;
  if (members === undefined) {
    throw invalidParameter('body', 'it must be a JSON object, e.g. {"ids": ["…"]} or {"all": true}');
  }
  refuseUnknown('', members, Object.keys(replayBodySchema.shape));
  refuseUnknown(
    'filter.',
    record.safeParse(members['filter']).data,
    Object.keys(deadLetterFilterSchema.shape),
  );
  const parsed = replayBodySchema.safeParse(members);
  if (!parsed.success) throw invalidBySchema('', parsed.error);
  return { selection: selectionOf(parsed.data), dryRun: parsed.data.dry_run, limit: parsed.data.limit };
}

function selectionOf(body: ReplayBody): ReplayOrder['selection'] {
  const given = ways.filter((way) => body[way] !== undefined);
  if (given.length !== 1) {
    const seen = given.length === 0 ? 'none of them is there' : `there are ${given.join(' and ')}`;
    throw invalidParameter(ways.join(', '), `say exactly one; ${seen}`, { allowed: ways });
  }
  if (body.ids !== undefined) return { ids: body.ids };
  const filter = body.filter ?? {};
  if (body.all === undefined && Object.values(filter).every((value) => value === undefined)) {
    const allowed = Object.keys(deadLetterFilterSchema.shape);
    throw invalidParameter('filter', `it says nothing; for all dead letters say {"all": true}`, { allowed });
  }
  return { filter };
}

function refuseUnknown(
  prefix: string,
  members: Readonly<Record<string, unknown>> | undefined,
  allowed: readonly string[],
): void {
  const unknown = Object.keys(members ?? {}).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  throw invalidParameter(
    `${prefix}${unknown.slice(0, 100)}`,
    `there is no such member; there are ${allowed.join(', ')}`,
    { allowed },
  );
}
