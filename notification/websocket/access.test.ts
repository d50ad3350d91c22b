import { describe, expect, it } from 'vitest';
import { refusalOfAllJobs } from './access.ts';

const token = 'b6a5d3c1f0e94872';

describe('watching all jobs', () => {
  it('needs no token outside of production', () => {
    expect(refusalOfAllJobs(undefined, { isOpen: true, token })).toBeUndefined();
  });

  it('needs the token in production', () => {
    const access = { isOpen: false, token };
    expect(refusalOfAllJobs(token, access)).toBeUndefined();
    for (const given of [undefined, '', 'b6a5d3c1f0e94873', token.slice(1), `${token} `]) {
      expect(refusalOfAllJobs(given, access)).toBe('token_required');
    }
  });

  it('is impossible in production without a token configured', () => {
    expect(refusalOfAllJobs('', { isOpen: false, token: '' })).toBe('token_not_set');
  });
});
