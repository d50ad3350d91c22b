import type { Source } from '@image-pipeline/shared/contracts/snapshot.ts';
import { expect, it } from 'vitest';
import { snapshotHealth } from './snapshot-health.ts';

const source = (age_seconds: number | null, reason: string | null = null): Source => ({
  state: age_seconds === null ? 'never' : reason === null ? 'ok' : 'unavailable',
  updated_at: null,
  age_seconds,
  reason,
});

it.each([
  ['both are new', source(2), source(1), 5, { status: 'ok', age_seconds: 2 }],
  ['one failed a moment ago', source(9, 'refused'), source(1), 5, { status: 'ok' }],
  ['one is older than three intervals', source(1), source(31), 10, { status: 'stale', age_seconds: 31 }],
  ['the interval is long', source(1_000), source(1), 600, { status: 'ok' }],
  ['one was never available', source(null, 'refused'), source(1), 5, { status: 'error', age_seconds: null }],
] as const)('where %s', (_case, management, events, interval, health) => {
  expect(snapshotHealth({ management, events }, interval)).toMatchObject(health);
});

it('reports which source is stale and why', () => {
  expect(snapshotHealth({ management: source(60, 'connection refused'), events: source(1) }, 5).message).toBe(
    'management: older than 15 s; connection refused',
  );
});
