import { expect, test } from 'vitest';
import { chooseRuntime } from './choose-runtime.ts';

test('a system that runs decides, whatever is wanted', () => {
  expect(chooseRuntime({ running: ['local'], wanted: 'compose', engineAnswers: true })).toBe('local');
  expect(chooseRuntime({ running: ['compose'], wanted: 'local', engineAnswers: true })).toBe('compose');
});

test('if none runs, or both, what is wanted decides', () => {
  expect(chooseRuntime({ running: [], wanted: 'local', engineAnswers: true })).toBe('local');
  expect(chooseRuntime({ running: [], wanted: 'compose', engineAnswers: false })).toBe('compose');
  expect(chooseRuntime({ running: ['local', 'compose'], wanted: 'local', engineAnswers: true })).toBe(
    'local',
  );
});

test('if nothing is wanted, it is Compose where a Docker engine answers', () => {
  expect(chooseRuntime({ running: [], wanted: 'auto', engineAnswers: true })).toBe('compose');
  expect(chooseRuntime({ running: [], wanted: 'auto', engineAnswers: false })).toBe('local');
});
