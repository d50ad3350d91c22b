import { describe, expect, it } from 'vitest';
import { parseResult } from './read-results.ts';
import { simulateBulk } from './testing/simulate.ts';

describe('reading a result', () => {
  const text = JSON.stringify(simulateBulk({}, 3));

  it('returns it', () => {
    expect(parseResult(text)).toMatchObject({ version: 1, script: 'bulk_upload' });
  });

  it('refuses a file that was cut in half', () => {
    expect(parseResult(text.slice(0, text.length / 2))).toBe(
      'it is incomplete or not JSON. Run the test again.',
    );
  });

  it('refuses a newer version, whatever is in it', () => {
    expect(parseResult('{"version":2,"something":"else"}')).toBe(
      'it has version 2, and this program reads version 1. Update the repository.',
    );
  });

  it('refuses other JSON, and says what is wrong where', () => {
    expect(parseResult('[]')).toMatch(/^it is not the result of a load test/);
    expect(parseResult(text.replace('"completed"', '"lost"'))).toContain(
      '(jobs[0].state: must be one of queued, ',
    );
  });
});
