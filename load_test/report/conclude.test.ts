import { describe, expect, it } from 'vitest';
import type { LoadTestResult } from '../result.ts';
import { conclude } from './conclude.ts';
import { conclusionsOf, onlyTest, runWith } from './testing/results.ts';
import { simulateBulk, simulateBursts, simulateCapacity, simulateExperiment } from './testing/simulate.ts';

/** Three repeats of each throughput (by number of slots), 1 % apart. */
function repeated(
  curve: Readonly<Record<number, number>>,
  { cores = 2, processing, spread = 0.01 }: { cores?: number; processing?: number; spread?: number } = {},
): LoadTestResult[] {
  return Object.entries(curve).flatMap(([slots, throughput]) =>
    [1 - spread, 1, 1 + spread].map((factor, i) =>
      runWith(Number(slots), throughput * factor, {
        repeat: i,
        cores,
        ...(processing !== undefined && { processing }),
      }),
    ),
  );
}

describe('the conclusion about scaling', () => {
  it('is that throughput grows up to the cores and stays flat beyond, in a simulation of two cores', () => {
    const conclusions = conclusionsOf(simulateExperiment());
    expect(conclusions['grew']).toMatch(/^From 1 to 2 slots throughput grew 1\.9\d×/);
    expect(conclusions['flat:cores']).toMatch(
      /^Beyond 2 slots it stays flat .* this machine has 2 cores, and image processing is CPU-bound, so more workers only share the same cores \(one job takes 2\.\d+× as long/,
    );
    expect(conclusions['all-completed']).toBe('All 1,200 accepted jobs completed; no upload was refused.');
  });

  it('is that it still grows where the last step helped', () => {
    const conclusions = conclusionsOf(repeated({ 1: 3, 2: 6, 4: 11 }, { cores: 8 }));
    expect(conclusions['still-growing']).toContain('still grew at 4 slots');
    expect(conclusions['still-growing']).toContain('8 cores');
  });

  it('is that throughput falls if more workers cost more than they add', () => {
    const conclusions = conclusionsOf(repeated({ 1: 3, 2: 6, 5: 4.5 }));
    expect(conclusions['fell:cores']).toContain('Beyond 2 slots throughput fell by 25 %');
  });

  it('names idle slots as the reason where uploads came too slowly', () => {
    const conclusions = conclusionsOf(repeated({ 1: 3, 2: 6, 5: 6.1 }, { processing: 0.33 }));
    expect(conclusions['flat:starved']).toContain('uploads did not come fast enough');
  });

  it('does not name the cores as the reason if there are more cores than slots', () => {
    const conclusions = conclusionsOf(repeated({ 1: 3, 2: 6, 5: 6.1 }, { cores: 8 }));
    expect(conclusions['flat:shared']).toContain('although this machine has 8 cores');
  });

  it('names waiting where more slots than cores helped at first', () => {
    const conclusions = conclusionsOf(repeated({ 1: 2, 2: 4, 4: 6, 8: 6.1 }));
    expect(conclusions['flat:cores-and-waiting']).toContain('More slots than cores helped at first');
  });

  it('is that throughput stayed the same from the start', () => {
    const conclusions = conclusionsOf(repeated({ 1: 3, 2: 3.03 }, { cores: 1 }));
    expect(conclusions['grew']).toBeUndefined();
    expect(conclusions['flat:cores']).toContain('From 1 to 2 slots throughput stayed the same');
  });

  it('says nothing about a change that the noise could hide', () => {
    const conclusions = conclusionsOf(repeated({ 2: 6, 4: 6.6 }, { spread: 0.3 }));
    expect(conclusions['too-noisy']).toContain('differ too much to say');
    expect(conclusions['noisy']).toContain('2 slots (2 × 1) and 4 slots (4 × 1)');
  });

  it('warns where every number of slots was tested once', () => {
    const conclusions = conclusionsOf([runWith(1, 3), runWith(2, 6)]);
    expect(conclusions['grew']).toBeDefined();
    expect(conclusions['noise-unknown']).toContain('tested once');
  });

  it('explains a speed-up below the ideal by other use of the cores', () => {
    const conclusions = conclusionsOf([
      ...repeated({ 1: 8 }, { processing: 0.12 }),
      ...repeated({ 2: 10.6 }, { processing: 0.18 }),
    ]);
    expect(conclusions['grew']).toMatch(/66 % of the ideal 2×. One job takes 1.(49|50)× as long/);
    expect(conclusions['grew']).toContain('share the cores with one another, and with the API, RabbitMQ');
  });

  it('reports a speed-up above the ideal as implausible', () => {
    const conclusions = conclusionsOf(repeated({ 1: 2, 2: 6 }));
    expect(conclusions['implausible']).toContain('3.00× from 1 to 2 slots is more than the ideal 2×');
  });

  it('is about the numbers of slots with which jobs completed, and names those without', () => {
    const curve = repeated({ 2: 6, 5: 6.1 });
    const conclusions = conclusionsOf([
      simulateBulk({}, 0, { jobs: [], parameters: curve[0]?.parameters ?? {} }),
      ...curve,
    ]);
    expect(conclusions['none-completed']).toBe('With 1 slot (1 × 1) no job completed.');
    expect(conclusions['grew']).toBeUndefined();
    expect(conclusions['flat:cores']).toMatch(/^From 2 to 5 slots throughput stayed the same/);
    expect(conclusions['time-to-result']).not.toContain('–');
  });

  it('does not come from runs with lost or unread jobs', () => {
    const [first, ...others] = repeated({ 1: 3, 2: 6 });
    const conclusions = conclusionsOf(first === undefined ? [] : [...others, { ...first, lost: 1 }]);
    expect(conclusions['grew']).toMatch(/from 3\.0[12] to 6\.00 jobs\/s/);
    expect(conclusions['incomplete']).toMatch(/^1 run with lost or unread jobs is left out/);
  });

  it('is only the throughput where one number of slots was tested', () => {
    expect(conclusionsOf([runWith(3, 6)])['one-setting']).toContain(
      'With 3 slots (3 × 1) the workers completed 6.00 jobs/s',
    );
  });
});

describe('the conclusion about failures', () => {
  it('names failed jobs by code', () => {
    const failed = conclusionsOf([simulateBulk({ failing: 0.5, seed: 3 })])['jobs-failed'];
    expect(failed).toMatch(/^\d+ of 100 accepted jobs failed: undecodable_image \d+\.$/);
  });

  it('names lost jobs before everything else', () => {
    const { test, machine } = onlyTest([simulateBulk({ failing: 0.5 }, 100, { lost: 2 })]);
    expect(conclude(test, machine)[0]).toMatchObject({ kind: 'jobs-lost', tone: 'problem' });
  });

  it('names jobs that could not be read', () => {
    const conclusions = conclusionsOf([
      simulateBulk({}, 6, { unread: 3, uploads: { sent: 9, accepted: 9, refused: {}, seconds: null } }),
    ]);
    expect(conclusions['jobs-unread']).toMatch(
      /^3 of 9 accepted jobs could not be read; the numbers of this run are incomplete\./,
    );
    expect(conclusions['one-setting']).toBeUndefined();
    expect(conclusions['all-completed']).toBeUndefined();
  });

  it('is never that all completed while one is open, even if the run does not count it as lost', () => {
    const { jobs, ...result } = simulateBulk({}, 10);
    const open = jobs.map((job, i) => (i > 0 ? job : { ...job, state: 'queued' as const, ended_at: null }));
    const conclusions = conclusionsOf([{ ...result, jobs: open }]);
    expect(conclusions['all-completed']).toBeUndefined();
    expect(conclusions['jobs-lost']).toMatch(/^1 of 10 accepted jobs did not end/);
  });

  it('is that nothing completed where nothing did', () => {
    expect(conclusionsOf([simulateBulk({}, 0, { jobs: [] })])['none-completed']).toContain(
      'no job completed',
    );
  });

  it('names refused uploads by code', () => {
    const uploads = { sent: 110, accepted: 100, refused: { queue_full: 9, no_response: 1 }, seconds: null };
    expect(conclusionsOf([simulateBulk({}, 100, { uploads })])['uploads-refused']).toBe(
      '10 of 110 uploads were refused: queue_full 9, no_response 1.',
    );
  });

  it('mentions interrupted runs', () => {
    const stopped = simulateBulk({}, 100, { run_id: 'stopped', stopped: 'interrupted' });
    expect(conclusionsOf([simulateBulk(), stopped])['interrupted']).toContain('1 run was interrupted');
  });
});

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
