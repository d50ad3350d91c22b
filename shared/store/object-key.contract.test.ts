import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { InvalidKey } from './object-key.ts';

describeEachStore('object keys', (given) => {
  it.each([
    '',
    '/a',
    'a//b',
    'a/',
    '../a',
    'a/../../b',
    '.tmp/a',
    'a\0b',
    'a\nb',
    'A',
    'ä',
    'a\\b',
    'a'.repeat(1_025),
  ])('refuses the key %j everywhere', async (key) => {
    await expect(given.store.put(key, Buffer.from('x'))).rejects.toThrow(InvalidKey);
    await expect(given.store.putIfAbsent(key, Buffer.from('x'))).rejects.toThrow(InvalidKey);
    await expect(given.store.get(key)).rejects.toThrow(InvalidKey);
    await expect(given.store.stat(key)).rejects.toThrow(InvalidKey);
    await expect(given.store.remove(key)).rejects.toThrow(InvalidKey);
  });
});
