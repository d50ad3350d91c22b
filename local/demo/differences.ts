import type { Expectation } from './manifest.ts';
import type { Seen } from './push-image.ts';

/** Differences between the expected and the actual result of an image, a sentence each. */
export function differences(expected: Expectation, seen: Seen): string[] {
  return pairs(expected, seen)
    .filter(([, wanted, got]) => wanted !== undefined && wanted !== got)
    .map(
      ([what, wanted, got]) => `${expected.file}: ${what} is ${got ?? 'missing'}, expected ${wanted ?? ''}`,
    );
}

type Value = string | number | undefined;

/** What is compared: its name, what is expected (undefined: anything) and what was seen. */
function pairs(expected: Expectation, seen: Seen): (readonly [string, Value, Value])[] {
  const upload = ['upload status', expected.upload.status, seen.status] as const;
  if (seen.upload === 'refused') {
    return [upload, ['problem code', expected.upload.code, seen.code]];
  }
  const { status, error, result } = seen.job;
  return [
    upload,
    ['state', expected.state, status],
    ['error code', expected.error_code, error?.code],
    ['width', expected.result?.width, result?.width],
    ['height', expected.result?.height, result?.height],
    ['content type', expected.result?.content_type, result?.content_type],
  ];
}
