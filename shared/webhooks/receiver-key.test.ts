import { expect, it } from 'vitest';
import { receiverKey } from './receiver-key.ts';

const keyOf = (host: string) => receiverKey(new URL(`http://${host}:9000/hook`));

it.each([
  ['evil.com', 'evil.com.'],
  ['evil.com', 'EVIL.com'],
  ['a.evil.com', 'b.c.evil.com'],
  ['hook', 'hook.'],
  ['127.1', '127.0.0.1'],
  ['[2001:db8::1]', '[2001:db8::ffff:0:0:2]'],
])('%s and %s are one receiver', (one, other) => {
  expect(keyOf(one)).toBe(keyOf(other));
});

it.each([
  ['evil.com', 'good.com'],
  ['1.2.3.4', '5.6.3.4'],
  ['[2001:db8::1]', '[2001:db8:0:1::1]'],
])('%s and %s are two', (one, other) => {
  expect(keyOf(one)).not.toBe(keyOf(other));
});
