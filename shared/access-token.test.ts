import { expect, it } from 'vitest';
import { bearerToken, isToken } from './access-token.ts';

it('only the exact token is accepted', () => {
  expect(isToken('b6a5d3c1f0e94872', 'b6a5d3c1f0e94872')).toBe(true);
  for (const given of ['', 'b6a5d3c1f0e9487', 'b6a5d3c1f0e948722', 'B6A5D3C1F0E94872']) {
    expect(isToken(given, 'b6a5d3c1f0e94872')).toBe(false);
  }
});

it('without a configured token, no token is accepted', () => {
  expect(isToken('', '')).toBe(false);
});

it.each([
  ['Bearer abc', 'abc'],
  ['bearer  abc ', 'abc'],
  ['Basic abc', undefined],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  [undefined, undefined],
])('the header %j carries the token %j', (header, token) => {
  expect(bearerToken(header)).toBe(token);
});
