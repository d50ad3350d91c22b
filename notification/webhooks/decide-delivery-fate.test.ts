import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { decideDeliveryFate } from './decide-delivery-fate.ts';

const retryDelays = parseRetryDelays('5s,1m,10m');
const decide = (result: Parameters<typeof decideDeliveryFate>[0], attempt = 1, chance = 1) =>
  decideDeliveryFate(result, attempt, retryDelays, chance);

describe('the fate of a webhook', () => {
  it.each([200, 201, 202, 204, 299])('%i: delivered', (status) => {
    expect(decide({ status })).toEqual({ state: 'delivered' });
  });

  it.each([
    [301, 'redirected'],
    [307, 'redirected'],
    [400, 'not_accepted'],
    [404, 'not_accepted'],
    [429, 'not_accepted'],
    [500, 'not_accepted'],
    [101, 'not_accepted'],
  ])('%i: retried', (status, code) => {
    const fate = decide({ status });
    expect(fate).toMatchObject({ state: 'retrying', retryDelay: { label: '5s' }, error: { code } });
    expect(fate).toHaveProperty('error.reason', expect.stringContaining(String(status)));
  });

  it.each(['timed_out', 'not_connected', 'connection_lost', 'name_not_found'] as const)(
    '%s: another attempt',
    (code) => {
      expect(decide({ code, reason: '' })).toMatchObject({ state: 'retrying', error: { code } });
    },
  );

  it('410 and a forbidden address: dead at once', () => {
    expect(decide({ status: 410 })).toMatchObject({ state: 'dead', error: { code: 'gone' } });
    expect(decide({ code: 'address_refused', reason: '10.0.0.1 is not public (private).' })).toMatchObject({
      state: 'dead',
      error: {
        code: 'address_refused',
        reason: expect.stringContaining('10.0.0.1 is not public') as unknown,
      },
    });
  });

  it('is retried after each delay, and dead after the last', () => {
    const labels = [1, 2, 3].map((attempt) => decide({ status: 500 }, attempt));
    expect(labels).toMatchObject(retryDelays.map((retryDelay) => ({ state: 'retrying', retryDelay })));
    expect(decide({ status: 500 }, 4)).toMatchObject({
      state: 'dead',
      error: { reason: expect.stringContaining('attempt 4 of 4') as unknown },
    });
  });

  it.each([
    [0, 2_500],
    [0.5, 3_750],
    [1, 5_000],
  ])('with jitter %d it is retried after %d ms', (chance, delayMs) => {
    expect(decide({ status: 500 }, 1, chance)).toMatchObject({ delayMs });
  });

  it.each([
    [1_000, '5s', 2_500],
    [4_000, '5s', 4_000],
    [30_000, '1m', 30_000],
    [50_000, '1m', 50_000],
    [3_600_000, '10m', 600_000],
  ])('Retry-After of %d ms: the delay %s, and not before %d ms', (retryAfterMs, label, delayMs) => {
    expect(decide({ status: 503, retryAfterMs }, 1, 0)).toMatchObject({ retryDelay: { label }, delayMs });
  });
});
