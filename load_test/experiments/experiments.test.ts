import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../local/pipeline/api-client.ts';
import type { RunningWorker } from '../../local/runtime/runtime.ts';
import { probe } from '../../local/supervisor/probe.ts';
import { type System, startSystem } from '../../testing/start-system.ts';
import type { RespawnedService } from '../../testing/respawned-service.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import { faultTolerance, type FaultToleranceSystem } from './fault-tolerance.ts';
import { Guide } from './guide.ts';
import { Monitoring } from './monitoring.ts';

const TOKEN = 'a-token-of-the-tests-0123456789abcdef';

let system: System;
beforeAll(async () => {
  const environment = ({ folder }: { folder: string }) =>
    Promise.resolve({
      STORE: 'folder',
      STORE_FOLDER: `${folder}/store`,
      API_TOKEN: TOKEN,
      STATUS_UPDATE_INTERVAL: '1',
    });
  system = await startSystem({
    name: 'experiments',
    workers: 2,
    slots: 1,
    monitoring: true,
    environment,
  });
}, 120_000);
afterAll(() => system[Symbol.asyncDispose](), 120_000);

test('experiment 1 stops and kills workers of a real system, and every job ends once', async () => {
  const { guide, written } = givenGuide();
  await faultTolerance(guide, { ...given(), workers: workersOf(system) });
  const shown = (await written()).replaceAll(/\s+/g, ' ');
  expect(shown).toMatch(/\$ kill -9 \d+ /);
  expect(shown).toMatch(/RabbitMQ redelivered it: worker-\d started it \d\.\d s after the kill/);
  expect(shown).toMatch(
    /processing \S+ (worker-\d) - redelivered \S+ worker-\d Connection lost: [^(]+\(delivery 2\)/,
  );
  expect(shown).toContain('worker-2 was processing 1 job when it was stopped, and finished 1 of them');
  expect(shown).toContain('RabbitMQ counted 2 in the queue');
  expect(shown).toContain('11 accepted = 11 completed + 0 failed');
  expect(shown).toContain('The monitoring service counted the same');
  expect(shown).toContain('What this shows');
}, 90_000);

test('experiment 3 sends a broken image to the dead-letter queue of a real system, replays and discards it', async () => {
  const { guide, written } = givenGuide();
  await deadLetterQueue(guide, { ...given(), token: TOKEN });
  const shown = (await written()).replaceAll(/\s+/g, ' ');
  expect(shown).toContain('failed after 1 attempt with undecodable_image');
  expect(shown).toContain('death.queue image.jobs.process death.reason rejected');
  expect(shown).toContain("/dlq/stats grew by 1, RabbitMQ's queue by 1");
  expect(shown).toContain('The replay was run 2 of the same job, and it failed');
  expect(shown).toContain('as many dead letters as before the experiment');
}, 60_000);

/** The workers of the system in the form of a runtime. */
function workersOf({ workers }: System): FaultToleranceSystem['workers'] {
  const stopped: RespawnedService[] = [];
  const start = async (service: RespawnedService) => {
    await service.start();
    await service.untilReady();
  };
  return {
    workers: async () => {
      const states = await Promise.all(workers.map(async (worker) => (await probe(worker.port)).ready));
      return workers.filter((_, i) => states[i]).map(asRunningWorker);
    },
    stopWorker: async () => {
      const newest = workers.findLast((worker) => !stopped.includes(worker));
      if (newest === undefined) throw new Error('there is no worker');
      stopped.push(newest);
      await newest.stop();
    },
    startWorker: async () => {
      const next = stopped.pop();
      if (next !== undefined) await start(next);
    },
    stopWorkers: {
      line: 'make scale N=0',
      run: async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
      },
    },
    startWorkers: (count) => ({
      line: `make scale N=${count}`,
      run: async () => {
        await Promise.all(workers.map(start));
      },
    }),
  };
}

function asRunningWorker(worker: RespawnedService): RunningWorker {
  const kill = async () => {
    await worker.signal('SIGKILL');
  };
  return {
    name: worker.name,
    isNamed: (inTimeline) => inTimeline === worker.name,
    kill: { line: `kill -9 ${worker.pid ?? ''}`, run: kill },
    isRestarted: true,
  };
}

/** A guide without a terminal: an experiment that asked for input would never end. */
function givenGuide() {
  const output = new PassThrough();
  const guide = new Guide({ input: new PassThrough(), output }, new AbortController().signal);
  const written = async () => {
    output.end();
    return stripVTControlCharacters(await text(output));
  };
  return { guide, written };
}

const given = () => ({
  api: new ApiClient(system.apiUrl),
  monitoring: new Monitoring(system.monitoringUrl),
});
