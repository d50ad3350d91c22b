import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { parseOperations } from './parse-operations.ts';

const resize = { type: 'resize', width: 800, height: 600, fit: 'contain', enlarge: false };
const watermark = {
  type: 'watermark',
  text: 'image pipeline',
  position: 'bottom-right',
  opacity: 0.5,
  size: 0.06,
};

function refusal(text: string): PipelineError {
  try {
    parseOperations(text);
  } catch (error) {
    if (error instanceof PipelineError) return error;
  }
  throw new Error(`"${text}" was not refused`);
}

describe('the operations of an upload', () => {
  it.each([
    ['', [resize, watermark]],
    ['  ', [resize, watermark]],
    ['resize,watermark', [resize, watermark]],
    [' resize , watermark ', [resize, watermark]],
    ['filter', [{ type: 'filter', name: 'grayscale' }]],
    ['resize:300x200', [{ ...resize, width: 300, height: 200 }]],
    ['resize:300', [{ type: 'resize', width: 300, fit: 'contain', enlarge: false }]],
    ['resize:300x', [{ type: 'resize', width: 300, fit: 'contain', enlarge: false }]],
    ['resize:x200', [{ type: 'resize', height: 200, fit: 'contain', enlarge: false }]],
    ['resize:300x200:cover', [{ ...resize, width: 300, height: 200, fit: 'cover' }]],
    ['filter:blur', [{ type: 'filter', name: 'blur', radius: 4 }]],
    ['filter:blur:5', [{ type: 'filter', name: 'blur', radius: 5 }]],
    ['filter:brightness:1.5', [{ type: 'filter', name: 'brightness', amount: 1.5 }]],
    ['watermark:two words', [{ ...watermark, text: 'two words' }]],
    ['watermark:at 10:30', [{ ...watermark, text: 'at 10:30' }]],
    ['watermark:Привет 世界', [{ ...watermark, text: 'Привет 世界' }]],
    ['watermark:שלום سلام ไทย', [{ ...watermark, text: 'שלום سلام ไทย' }]],
    [
      'resize:800x600,watermark:Hello,filter:sepia',
      [resize, { ...watermark, text: 'Hello' }, { type: 'filter', name: 'sepia' }],
    ],
    [
      '[{"type":"watermark","text":"a, b","position":"center","opacity":1}]',
      [{ ...watermark, text: 'a, b', position: 'center', opacity: 1 }],
    ],
    [
      '["watermark:a, b", "filter:sepia"]',
      [
        { ...watermark, text: 'a, b' },
        { type: 'filter', name: 'sepia' },
      ],
    ],
    ['[{"type":"resize","fit":"cover"}]', [{ ...resize, fit: 'cover' }]],
    ['[{"type":"watermark"},{"type":"filter"}]', [watermark, { type: 'filter', name: 'grayscale' }]],
  ])('can be %j', (text, expected) => {
    expect(parseOperations(text)).toEqual(expected);
  });

  it.each([
    ['rotate', 'operations[0]', 'unknown operation "rotate"'],
    ['resize,rotate:90', 'operations[1]', 'unknown operation "rotate"'],
    ['constructor', 'operations[0]', 'unknown operation "constructor"'],
    ['filter:lomo', 'operations[0]', 'unknown filter "lomo"'],
    ['watermark:a, b', 'operations[1]', 'unknown operation "b"'],
    ['resize,,filter', 'operations[1]', 'is empty'],
    ['resize:big', 'operations[0]', 'invalid size "big"'],
    ['resize:x', 'operations[0]', 'invalid size "x"'],
    [`resize:${'9'.repeat(9_000)}y`, 'operations[0]', `invalid size "${'9'.repeat(100)}…". Write`],
    ['filter:blur:strong', 'operations[0]', 'must be a number, not "strong"'],
    [`filter:blur:${'a'.repeat(9_000)}`, 'operations[0]', `must be a number, not "${'a'.repeat(100)}…"`],
    ['filter:sepia:2', 'operations[0]', 'sepia has no parameter'],
    ['watermark:Hi ᏣᎳᎩ', 'operations[0].text', 'no font can draw: "Ꮳ" (U+13E3), "Ꮃ" (U+13B3), "Ꭹ" (U+13A9)'],
    ['filter,watermark:\u{10380}', 'operations[1].text', 'no font can draw: "\u{10380}" (U+10380)'],
    ['[{"type":"watermark","text":"\\ufffe"}]', 'operations[0].text', 'no font can draw'],
    ['["watermark:\u200b"]', 'operations[0].text', 'has no visible character'],
    ['[{"text":"no type"}]', 'operations[0].type', 'is missing. Allowed: resize, watermark, filter'],
    ['["filter",{"type":"rotate"}]', 'operations[1].type', 'unknown operation "rotate"'],
    ['[{"type":"filter","name":"lomo"}]', 'operations[0].name', 'unknown filter "lomo"'],
    ['["filter:lomo"]', 'operations[0]', 'unknown filter "lomo"'],
    ['[7]', 'operations[0]', 'must be an object or a string'],
    ['[', 'operations', 'must be a JSON list'],
    ['{"type":"resize"}', 'operations', 'must be a JSON list'],
    ['[]', 'operations', 'of 1 to 10 items'],
    [Array(11).fill('filter').join(), 'operations', 'of 1 to 10 items, but is a list of 11 items'],
  ])('are refused for %j, with the parameter %s', (text, parameter, problem) => {
    const error = refusal(text);
    expect(error.code).toBe('invalid_parameter');
    expect(error.message).toContain(problem);
    expect(error.details).toMatchObject({
      parameter,
      allowed: {
        operations: ['resize', 'watermark', 'filter'],
        filters: ['grayscale', 'sepia', 'invert', 'blur', 'sharpen', 'brightness', 'contrast'],
      },
    });
  });

  const sides = { minimum: 1, maximum: 8192 };
  const resizes = ['width', 'height', 'fit', 'enlarge'];
  const watermarks = ['text', 'position', 'opacity', 'size'];
  const ofText = 'a text of 1 to 200 characters';

  it.each([
    ['resize:0x10', 'width', 'from 1 to 8192, but is 0', sides, resizes],
    ['resize:8193', 'width', 'from 1 to 8192, but is 8193', sides, resizes],
    ['resize:10x10:crop', 'fit', 'contain', ['contain', 'cover', 'fill'], resizes],
    [
      'filter:blur:101',
      'radius',
      'from 1 to 100, but is 101',
      { minimum: 1, maximum: 100 },
      ['name', 'radius'],
    ],
    [`watermark:${'x'.repeat(201)}`, 'text', 'of 1 to 200 characters', ofText, watermarks],
    ['[{"type":"resize","width":"8"}]', 'width', 'a whole number from 1 to 8192, but is "8"', sides, resizes],
    [
      '[{"type":"resize","depth":8}]',
      'depth',
      'is unknown. Allowed: type, width',
      ['type', 'width', 'height', 'fit', 'enlarge'],
      resizes,
    ],
    [
      '[{"type":"filter","name":"blur","amount":1}]',
      'amount',
      'is unknown. Allowed: type, name, radius',
      ['type', 'name', 'radius'],
      ['name', 'radius'],
    ],
    ['[{"type":"watermark","text":" "}]', 'text', 'of 1 to 200 characters', ofText, watermarks],
    [
      '[{"type":"watermark","text":"a","opacity":2}]',
      'opacity',
      'from 0.05 to 1, but is 2',
      { minimum: 0.05, maximum: 1 },
      watermarks,
    ],
  ])(
    'are refused for %j, with what is allowed for the member %s',
    (text, member, problem, allowed, takes) => {
      const error = refusal(text);
      expect(error.code).toBe('invalid_parameter');
      expect(error.message).toContain(problem);
      expect(error.details).toEqual({ parameter: `operations[0].${member}`, allowed, takes });
    },
  );

  it.each([
    ['rotate', 'operations[0]: unknown operation "rotate". Allowed: resize, watermark, filter'],
    [
      'filter:lomo',
      'operations[0]: unknown filter "lomo". Allowed: grayscale, sepia, invert, blur, sharpen, brightness, contrast',
    ],
    ['[{"width":8}]', 'operations[0].type: is missing. Allowed: resize, watermark, filter'],
    [
      `[{"type":"${'x'.repeat(150)}"}]`,
      `operations[0].type: unknown operation "${'x'.repeat(100)}…". Allowed: resize, watermark, filter`,
    ],
    [
      '[{"type":["resize"]}]',
      'operations[0].type: unknown operation "["resize"]". Allowed: resize, watermark, filter',
    ],
    [
      '["filter",{"type":"resize","depth":8}]',
      'operations[1].depth: is unknown. Allowed: type, width, height, fit, enlarge. Correct its name or remove it',
    ],
    [
      '[{"type":"watermark","text":"a","opacity":2}]',
      'operations[0].opacity: must be a number from 0.05 to 1, but is 2',
    ],
    ['resize:big', 'operations[0]: invalid size "big". Write 800x600, 800 (width) or x600 (height)'],
  ])('are refused for %j with the member, what is allowed and what to do', (text, message) => {
    expect(refusal(text).message).toBe(message);
  });
});
