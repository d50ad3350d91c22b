import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobIdSchema } from './contracts/job.ts';
import { operationSchema } from './contracts/operations.ts';
import { describeProblems, validate } from './validation.ts';

const side = z.int().min(1).max(16_384);
const kinds = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('resize'), width: side.optional(), height: side.optional() }),
  z.strictObject({ type: z.literal('filter') }),
]);

describe('an invalid value', () => {
  it.each<[code: string, schema: z.ZodType, value: unknown, said: string | RegExp]>([
    ['too_small', side, 0, 'must be a whole number from 1 to 16384, but is 0'],
    ['too_small', z.number().min(0.5), 0.1, 'must be a number of at least 0.5, but is 0.1'],
    ['too_small', z.number().gt(0), 0, 'must be a number greater than 0, but is 0'],
    ['too_small', z.string().trim().min(1).max(200), ' ', 'must be a text of 1 to 200 characters, but is ""'],
    [
      'too_small',
      z.array(z.string()).min(1),
      [],
      'must be a list of at least 1 item, but is a list of 0 items',
    ],
    ['too_big', side.default(4), 16_385, 'must be a whole number from 1 to 16384, but is 16385'],
    ['too_big', z.number().max(5), 5.5, 'must be a number of at most 5, but is 5.5'],
    ['too_big', z.string().max(3), 'four', 'must be a text of at most 3 characters, but is "four"'],
    ['too_big', z.string().max(3), 'x'.repeat(101), /at most 3 characters, but is a text of 101 characters$/],
    [
      'too_big',
      z.array(side).min(1).max(2),
      [1, 2, 3],
      'must be a list of 1 to 2 items, but is a list of 3 items',
    ],
    ['invalid_type', side, 1.5, 'must be a whole number from 1 to 16384, but is 1.5'],
    ['invalid_type', side, '8', 'must be a whole number from 1 to 16384, but is "8"'],
    ['invalid_type', z.object({ side }), {}, 'side: must be a whole number from 1 to 16384, but is missing'],
    ['invalid_type', z.boolean(), null, 'must be true or false, but is null'],
    ['invalid_type', z.object({}), [1], 'must be a JSON object, but is a list of 1 item'],
    ['invalid_type', z.string(), {}, 'must be a text, but is an object'],
    ['invalid_value', z.enum(['png', 'jpeg']), 'bmp', 'must be one of png, jpeg, but is "bmp"'],
    ['invalid_value', z.literal(true), 'yes', 'must be true, but is "yes"'],
    [
      'invalid_format',
      z.iso.datetime({ offset: true }),
      'now',
      /^must be an ISO 8601 timestamp .*, but is "now"$/,
    ],
    ['invalid_format', jobIdSchema, '7', 'must be a UUID, but is "7"'],
    ['invalid_format', z.url(), 'here', 'must be a URL, but is "here"'],
    [
      'invalid_format',
      z.string().regex(/^\d+h$/),
      '1 h\u001b[2J',
      'must be a text that matches ^\\d+h$, but is "1 h\uFFFD[2J"',
    ],
    [
      'unrecognized_keys',
      kinds,
      { type: 'resize', depth: 8 },
      'depth: is unknown. Allowed: type, width, height. Correct its name or remove it',
    ],
    ['unrecognized_keys', z.strictObject({}), { a: 1 }, 'a: is unknown. Allowed: none. Remove it'],
    ['invalid_union', kinds, { type: 'rotate' }, 'type: must be one of resize, filter, but is "rotate"'],
    ['invalid_union', kinds, {}, 'type: must be one of resize, filter, but is missing'],
    [
      'invalid_union',
      operationSchema,
      { type: 'rotate' },
      'type: must be one of resize, watermark, filter, but is "rotate"',
    ],
    [
      'invalid_union',
      z.object({ operations: z.array(operationSchema) }),
      { operations: [{ type: 'filter', name: 'lomo' }] },
      'operations[0].name: must be one of grayscale, sepia, invert, blur, sharpen, brightness, contrast, but is "lomo"',
    ],
    [
      'invalid_union',
      z.object({
        by: z.union([z.strictObject({ id: z.int() }), z.strictObject({ name: z.string(), at: side })]),
      }),
      { by: { name: 'a', at: 'x' } },
      'by.at: must be a whole number from 1 to 16384, but is "x"',
    ],
    [
      'invalid_union',
      z.union([z.strictObject({ id: z.boolean() }), z.string()]),
      { id: 'x', size: 1 },
      'id: must be true or false, but is "x"; size: is unknown. Allowed: id. Correct its name or remove it',
    ],
    ['invalid_type', operationSchema, 7, 'must be a JSON object, but is 7'],
    [
      'invalid_union',
      z.union([z.literal('*'), side]),
      true,
      'must be * or a whole number from 1 to 16384, but is true',
    ],
    ['custom', z.object({}).refine(() => false, 'needs a width'), {}, 'needs a width'],
  ])('(%s, case %#) is described with what is allowed and what was given', (code, schema, value, said) => {
    expect(schema.safeParse(value).error?.issues[0]?.code).toBe(code);
    const { problems = [] } = validate(schema, value);
    expect(describeProblems(problems)).toEqual(typeof said === 'string' ? said : expect.stringMatching(said));
  });

  it('is described by its first three problems and the number of the others', () => {
    const { problems = [] } = validate(
      z.array(z.boolean()),
      Array.from({ length: 1_000 }, () => 0),
    );
    const said = [0, 1, 2].map((index) => `[${index}]: must be true or false, but is 0`);
    expect(describeProblems(problems)).toBe(`${said.join('; ')}; and 997 more`);
  });

  it.each<[schema: z.ZodType, value: unknown, allowed: unknown]>([
    [z.strictObject({ type: z.string(), width: side }), { type: 'a', width: 1, depth: 8 }, ['type', 'width']],
    [kinds, { type: 'rotate' }, ['resize', 'filter']],
    [z.enum(['png', 'jpeg']), 'bmp', ['png', 'jpeg']],
    [z.literal(true), false, [true]],
    [side, 0, { minimum: 1, maximum: 16_384 }],
    [z.int().min(1), 0, 'a whole number of at least 1'],
    [z.array(z.string()).min(1), [], 'a list of at least 1 item'],
    [z.object({}).refine(() => false, 'needs a width'), {}, undefined],
  ])('has what is allowed for programs, too (case %#)', (schema, value, allowed) => {
    expect(validate(schema, value).problems?.[0].allowed).toEqual(allowed);
  });
});
