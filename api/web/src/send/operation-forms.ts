import type { Filter, Operation, Resize, Watermark } from '../../../../shared/contracts/operations.ts';
import type { en } from '../text/en.ts';

/** One input of the form of an operation. */
export interface Field {
  readonly name: string;
  readonly label: keyof typeof en;
  readonly options?: readonly string[];
  readonly number?: { readonly min: number; readonly max: number; readonly step: number };
}

const px = { min: 1, max: 8192, step: 1 };
const fits = ['contain', 'cover', 'fill'] as const satisfies readonly Resize['fit'][];
const positions = [
  'top-left',
  'top',
  'top-right',
  'left',
  'center',
  'right',
  'bottom-left',
  'bottom',
  'bottom-right',
] as const satisfies readonly Watermark['position'][];
const filters = [
  'grayscale',
  'sepia',
  'invert',
  'blur',
  'sharpen',
  'brightness',
  'contrast',
] as const satisfies readonly Filter['name'][];

export const newOperations: Readonly<Record<Operation['type'], Readonly<Record<string, string | number>>>> = {
  resize: { type: 'resize', width: 800, height: 600, fit: 'contain' },
  watermark: { type: 'watermark', text: 'Sample', position: 'bottom-right', opacity: 0.5 },
  filter: { type: 'filter', name: 'grayscale' },
};

const SAMPLE = 'test_images/sample.jpg';

/** An operation as its form has it; the API checks it. */
export type Draft = Readonly<Record<string, string | number>>;

export function fieldsOf(draft: Draft): readonly Field[] {
  if (draft['type'] === 'resize') {
    return [
      { name: 'width', label: 'width', number: px },
      { name: 'height', label: 'height', number: px },
      { name: 'fit', label: 'fit', options: fits },
    ];
  }
  if (draft['type'] === 'watermark') {
    return [
      { name: 'text', label: 'watermarkText' },
      { name: 'position', label: 'position', options: positions },
      { name: 'opacity', label: 'opacity', number: { min: 0.05, max: 1, step: 0.05 } },
    ];
  }
  return [{ name: 'name', label: 'filterName', options: filters }, ...filterFields(draft['name'])];
}

function filterFields(name: unknown): readonly Field[] {
  if (name === 'blur') return [{ name: 'radius', label: 'radius', number: { min: 1, max: 100, step: 1 } }];
  const hasAmount = name === 'sharpen' || name === 'brightness' || name === 'contrast';
  return hasAmount ? [{ name: 'amount', label: 'amount', number: { min: 0, max: 5, step: 0.1 } }] : [];
}

/** The draft with a field changed; an empty field is left out, so that the API takes its default. */
export function changed(draft: Draft, field: Field, given: string): Draft {
  if (given === '') return Object.fromEntries(Object.entries(draft).filter(([name]) => name !== field.name));
  const next = { ...draft, [field.name]: field.number === undefined ? given : Number(given) };
  if (draft['type'] !== 'filter' || field.name !== 'name') return next;
  return { type: 'filter', name: given }; // its parameters belong to the former filter
}

/**
 * The command that sends the same, for a POSIX shell. `--form-string` takes a value as it is: with `-F`, a `;` in a text
 * would begin an option of the part.
 * @param file a path; the placeholder is a file of the repository
 */
export function curlLine(origin: string, operations: readonly Draft[], file = SAMPLE): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  // curl unquotes what is within double quotes.
  const path = `"${file.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  const name = file === SAMPLE ? `file=@${SAMPLE}` : quoted(`file=@${path}`);
  return `curl -F ${name} --form-string ${quoted(`operations=${JSON.stringify(operations)}`)} ${origin}/upload`;
}
