import { expect, test } from 'vitest';
import { chooseRuntime } from './current-runtime.ts';

test('a running system decides, whatever is configured', () => {
  expect(chooseRuntime({ running: ['local'], configured: 'compose', hasEngine: true })).toBe('local');
  expect(chooseRuntime({ running: ['compose'], configured: 'local', hasEngine: true })).toBe('compose');
});

test('if none or both are running, the configuration decides', () => {
  expect(chooseRuntime({ running: [], configured: 'local', hasEngine: true })).toBe('local');
  expect(chooseRuntime({ running: [], configured: 'compose', hasEngine: false })).toBe('compose');
  expect(chooseRuntime({ running: ['local', 'compose'], configured: 'local', hasEngine: true })).toBe(
    'local',
  );
});

test('if nothing is configured, it is Compose if a Docker engine responds', () => {
  expect(chooseRuntime({ running: [], configured: 'auto', hasEngine: true })).toBe('compose');
  expect(chooseRuntime({ running: [], configured: 'auto', hasEngine: false })).toBe('local');
});
