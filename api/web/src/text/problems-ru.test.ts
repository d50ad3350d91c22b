import { errorCodes } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { operations } from '../../../openapi/document.ts';
import { commonProblems, type Operation } from '../../../openapi/operation.ts';
import { problemsRu } from './problems-ru.ts';

/** What the page calls. */
const called = /^\w+ \/(upload|dlq|jobs|status|development)\b/;
const codes = Object.entries<Operation>(operations)
  .filter(([route]) => called.test(route))
  .flatMap(([, { problems }]) => [...problems, ...commonProblems]);

describe('every refusal that the page can get', () => {
  it.each([...new Set(codes)])('%s has a text in English and in Russian', (code) => {
    expect(errorCodes[code]).toMatch(/^[A-Z].*\.$/);
    expect(problemsRu[code]).toMatch(/[а-яё].*\.$/i);
  });
});
