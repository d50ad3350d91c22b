import { describe, expect, it } from 'vitest';
import { conclude } from './conclude.ts';
import { conclusionsOf, onlyTest } from './testing/results.ts';
import { simulateBursts, simulateCapacity } from './testing/simulate.ts';

describe('the conclusion about bursts', () => {
  it('is how fast they recovered', () => {
    const conclusions = conclusionsOf([simulateBursts({ workers: 2 })]);
    expect(conclusions['bursts-recovered']).toMatch(
      /^All 4 bursts of 50 images recovered in .* before the next one came after 15 s\.$/,
    );
  });

  it('is which one had not recovered when the next was sent', () => {
    const conclusions = conclusionsOf([simulateBursts({ workers: 2 }, { size: 50, interval: 5, rounds: 4 })]);
    expect(conclusions['burst-not-recovered']).toMatch(
      /^3 of 4 bursts had not recovered when the next one came, the first of them burst 1/,
    );
    expect(conclusions['burst-not-recovered']).toContain('50 images every 5 s are 10.0 jobs/s');
    expect(conclusions['bursts-recovered']).toBeUndefined();
  });

  it('is which of them had no accepted image', () => {
    const full = simulateBursts({ workers: 2 }, { size: 20, interval: 15, rounds: 2 });
    const conclusions = conclusionsOf([{ ...full, jobs: full.jobs.filter(({ group }) => group === 1) }]);
    expect(conclusions['burst-refused']).toBe(
      'No image of 1 of 2 bursts was accepted, so it has no recovery time.',
    );
    expect(conclusions['burst-never-recovered']).toBeUndefined();
    expect(conclusions['bursts-recovered']).toMatch(/^The burst of 20 images recovered/);
  });

  it('is that the last one never recovered where its jobs did not end', () => {
    const full = simulateBursts({ workers: 2 }, { size: 20, interval: 15, rounds: 2 });
    const jobs = full.jobs.map((job) =>
      job.group === 2 ? { ...job, state: 'queued' as const, started_at: null, ended_at: null } : job,
    );
    expect(conclusionsOf([{ ...full, jobs }])['burst-never-recovered']).toBe(
      'Burst 2 had not recovered when the run ended.',
    );
  });
});

describe('the conclusion about capacity', () => {
  it('is the knee, with what happened beyond it', () => {
    expect(conclusionsOf([simulateCapacity({ workers: 3, seed: 6 })])['knee']).toMatch(
      /^With 3 slots \(3 × 1\) the knee lies between 6 and 8 jobs\/s: 6 was sustained/,
    );
  });

  it('is reported once if the repeats agree', () => {
    const repeats = [1, 2, 3].map((seed) =>
      simulateCapacity({ workers: 3, seed }, undefined, { run_id: `${seed}` }),
    );
    const { test, machine } = onlyTest(repeats);
    const knees = conclude(test, machine).filter(({ kind }) => kind === 'knee');
    expect(knees).toMatchObject([{ text: expect.stringContaining('All 3 runs agree') as string }]);
  });

  it('has the number of uploads that k6 could not send', () => {
    const knee = conclusionsOf([simulateCapacity({ workers: 3, seed: 6 }, [4, 20])])['knee'];
    expect(knee).toMatch(/k6 could not send \d+ uploads in time\.$/);
  });

  it('is that the knee was not reached', () => {
    const conclusions = conclusionsOf([simulateCapacity({ workers: 3 }, [1, 2])]);
    expect(conclusions['knee-not-reached']).toContain('up to 2 jobs/s');
  });

  it('is that even the first step was too fast', () => {
    const conclusions = conclusionsOf([simulateCapacity({ workers: 1 }, [10, 20])]);
    expect(conclusions['first-step-too-fast']).toContain('Start at a lower rate.');
  });
});
