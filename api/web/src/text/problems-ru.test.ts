import { type ErrorCode, errorCodes } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { problemsRu } from './problems-ru.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('every refusal and every failure', () => {
  it.each(codes)('%s has a text in English and in Russian', (code) => {
    expect(errorCodes[code]).toMatch(/^[A-Z].*\.$/);
    expect(problemsRu[code]).toMatch(/[а-яё].*\.$/i);
  });
});
