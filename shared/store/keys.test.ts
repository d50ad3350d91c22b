import { describe, expect, it } from 'vitest';
import * as keys from './keys.ts';
import { checkKey, checkPrefix, InvalidKey } from './object-key.ts';

const job = '01993b5e-7f10-7c3a-9d52-0a1b2c3d4e5f';

describe('the keys of the pipeline', () => {
  it('are where the design says', () => {
    expect(keys.originalKey(job)).toBe(`originals/${job}`);
    expect(keys.idempotencyKey('my key')).toBe(
      'idempotency/a0e12d601e10154fe5743fd6d2ba37492365077b485f06c131ef495420005253.json',
    );
    expect(keys.requestKey(job, 1)).toBe(`jobs/${job}/runs/1/request.json`);
    expect(keys.outcomeKey(job, 2)).toBe(`jobs/${job}/runs/2/outcome.json`);
    expect(keys.resultKey(job, 'attempt-1', 'png')).toBe(`results/${job}/attempt-1.png`);
    expect(keys.thumbnailKey(job, 'attempt-1')).toBe(`thumbnails/${job}/attempt-1.jpg`);
    expect(keys.deadKey(job, 3)).toBe(`dead/${job}/3.json`);
    expect(keys.replayPlanKey(job)).toBe(`replays/${job}/plan.json`);
    expect(keys.replayEndKey(job)).toBe(`replays/${job}/end.json`);
    expect(keys.openReplayKey(job)).toBe(`open-replays/${job}.json`);
    expect(keys.webhookKey(job, 4)).toBe(`jobs/${job}/webhooks/4.json`);
    expect(keys.monitoringStateKey).toBe('state/monitoring.json');
    expect(keys.snapshotKey).toBe('state/snapshot.json');
  });

  it('are keys that a store takes', () => {
    const all = [
      keys.originalKey(job),
      keys.idempotencyKey('🗝️ anything\0'),
      keys.requestKey(job, 1),
      keys.outcomeKey(job, 1),
      keys.resultKey(job, job, 'webp'),
      keys.thumbnailKey(job, job),
      keys.deadKey(job, 1),
      keys.replayPlanKey(job),
      keys.replayEndKey(job),
      keys.openReplayKey(job),
      keys.webhookKey(job, 1),
      keys.monitoringStateKey,
    ];
    expect(all.map(checkKey)).toEqual(all);
    const prefixes = [
      keys.jobPrefix(job),
      keys.runsPrefix(job),
      keys.resultsPrefix(job),
      keys.thumbnailsPrefix(job),
      keys.webhooksPrefix(job),
      keys.deadPrefix,
      keys.openReplaysPrefix,
    ];
    expect(prefixes.map(checkPrefix)).toEqual(prefixes);
  });

  it('lie below their prefixes', () => {
    expect(keys.requestKey(job, 1).startsWith(keys.runsPrefix(job))).toBe(true);
    expect(keys.webhookKey(job, 1).startsWith(keys.webhooksPrefix(job))).toBe(true);
    expect(keys.deadKey(job, 1).startsWith(keys.deadPrefix)).toBe(true);
    expect(keys.openReplayKey(job).startsWith(keys.openReplaysPrefix)).toBe(true);
    expect(keys.resultKey(job, job, 'png').startsWith(keys.resultsPrefix(job))).toBe(true);
    expect(keys.thumbnailKey(job, job).startsWith(keys.thumbnailsPrefix(job))).toBe(true);
  });

  it.each(['', '..', '../x', 'a/b', 'a\nb', 'A'])('cannot be made of the id %j', (id) => {
    expect(() => keys.originalKey(id)).toThrow(InvalidKey);
    expect(() => keys.resultKey(job, id, 'png')).toThrow(InvalidKey);
    expect(() => keys.deadKey(id, 1)).toThrow(InvalidKey);
  });

  it('show control characters of a wrong one instead of writing them', () => {
    expect(() => checkKey('a\u001b[31m')).toThrow('"a\\u001b[31m" is not a valid object key');
  });
});

describe('a prefix', () => {
  it.each(['', 'a', 'a/', 'a/b', 'a/b.'])('%j is one', (prefix) => {
    expect(checkPrefix(prefix)).toBe(prefix);
  });

  it.each(['/', '//', 'a//', '../', 'a/../', '.'])('%j is none', (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(InvalidKey);
  });
});
