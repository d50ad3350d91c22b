import { invalidOperation } from './invalid-operation.ts';
import { filterParameters } from './operation-kinds.ts';

const SIZE = /^(?<width>\d+)?(?:x(?<height>\d+)?)?$/;
const NUMBER = /^\d+(\.\d+)?$/;

/**
 * One operation in the short spelling as the object that it stands for. Values are in the contract's terms but not
 * checked against its ranges.
 *
 *     resize | resize:800x600 | resize:800 | resize:x600 | resize:800x600:cover
 *     watermark | watermark:any text, colons too
 *     filter | filter:sepia | filter:blur:5 | filter:brightness:1.5
 *
 * @throws PipelineError `invalid_parameter` where the spelling itself is wrong
 */
export function expandShortOperation(text: string, parameter: string): Record<string, unknown> {
  const [type, rest] = splitAtColon(text.trim());
  if (type === '') {
    throw invalidOperation(parameter, 'is empty; write a text that has commas in the JSON spelling');
  }
  if (rest === undefined) return { type };
  switch (type) {
    case 'resize':
      return { type, ...readResize(rest, parameter) };
    case 'watermark':
      return { type, text: rest };
    case 'filter':
      return { type, ...readFilter(rest, parameter) };
    default:
      return { type };
  }
}

function readResize(rest: string, parameter: string): Record<string, unknown> {
  const [size, fit] = splitAtColon(rest);
  const { width, height } = SIZE.exec(size)?.groups ?? {};
  if (width === undefined && height === undefined) {
    throw invalidOperation(parameter, `"${size}" is no size; write 800x600, 800 (width) or x600 (height)`);
  }
  return {
    ...(width === undefined ? {} : { width: Number(width) }),
    ...(height === undefined ? {} : { height: Number(height) }),
    ...(fit === undefined ? {} : { fit }),
  };
}

function readFilter(rest: string, parameter: string): Record<string, unknown> {
  const [name, amount] = splitAtColon(rest);
  if (amount === undefined || !filterParameters.has(name)) return { name };
  const key = filterParameters.get(name);
  if (key === undefined) {
    throw invalidOperation(parameter, `the filter ${name} takes no parameter`);
  }
  if (!NUMBER.test(amount)) {
    throw invalidOperation(parameter, `the ${key} of ${name} is a number, not "${amount}"`);
  }
  return { name, [key]: Number(amount) };
}

function splitAtColon(text: string): [head: string, tail: string | undefined] {
  const colon = text.indexOf(':');
  return colon === -1 ? [text, undefined] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}
