import { describe, expect, it } from 'vitest';
import { parseResult } from './read-results.ts';
import { simulateBulk } from './testing/simulate.ts';

describe('reading a result', () => {
  const text = JSON.stringify(simulateBulk({}, 3));

  it('returns it', () => {
    expect(parseResult(text)).toMatchObject({ version: 1, script: 'bulk_upload' });
  });

  it('rejects a truncated file', () => {
    expect(parseResult(text.slice(0, text.length / 2))).toBe(
      'it is incomplete or not JSON. Run the test again.',
    );
  });

  it('rejects a newer version, whatever its content', () => {
    expect(parseResult('{"version":2,"something":"else"}')).toBe(
      'it has version 2, and this program reads version 1. Update the repository.',
    );
  });

  it('rejects other JSON, with the problem and its position', () => {
    expect(parseResult('[]')).toMatch(/^it is not the result of a load test/);
    expect(parseResult(text.replace('"completed"', '"lost"'))).toContain('"jobs.0.state"');
  });
});
