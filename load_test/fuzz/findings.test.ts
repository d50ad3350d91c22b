import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../testing/temp-folder.ts';
import { readCorpus } from './corpus.ts';
import { fuzzInspectors } from './fuzz-inspectors.ts';
import { fuzzPipeline } from './fuzz-pipeline.ts';
import { makeFile } from './make-file.ts';
import { Tally } from './tally.ts';

const SEED = 42;
const corpus = await readCorpus();
const make = (number: number) => makeFile(corpus, SEED, number);

it('the file of a finding is kept, with what it takes to make it again', async () => {
  await using folder = await tempFolder();
  const tally = new Tally(folder.path, SEED, make);
  await tally.find(17, 'engine_crashed: the process died');
  const [finding] = tally.findings;
  expect(finding).toMatchObject({ number: 17, what: 'engine_crashed: the process died' });
  expect((await readFile(finding?.path ?? '')).equals(make(17).bytes)).toBe(true);
  expect(await readFile(`${finding?.path ?? ''}.txt`, 'utf8')).toContain('seed 42, number 17');
});

it('an inspection that hangs is found, and the next files are inspected', async () => {
  await using folder = await tempFolder();
  const tally = new Tally(folder.path, SEED, make);
  const stop = new AbortController();
  const thread = new URL('testing/hanging-thread.ts', import.meta.url);
  const running = fuzzInspectors(SEED, tally, stop.signal, thread);
  await expect.poll(() => tally.findings.map(({ number }) => number), { timeout: 20_000 }).toEqual([7, 15]);
  stop.abort();
  await running;
});

describe('the result of a file that went through the pipeline', () => {
  it.each([
    ['a 5xx', { upload: 500 }, 'upload: HTTP 500 internal_error'],
    ['a crash', { code: 'engine_crashed' }, 'engine_crashed: why'],
    ['a hang', { code: 'deadline_exceeded' }, 'deadline_exceeded: why'],
    ['too much memory', { code: 'memory_exceeded' }, 'memory_exceeded: why'],
    ['an unexpected error', { code: 'processing_failed' }, 'processing_failed: why'],
    [
      'a crash before a retry',
      { code: 'undecodable_image', earlier: 'engine_crashed' },
      'engine_crashed: why',
    ],
    ['a retry after the deadline', { code: 'undecodable_image', earlier: 'deadline_exceeded' }, undefined],
    ['a damaged image', { code: 'undecodable_image' }, undefined],
    ['a refused upload', { upload: 415 }, undefined],
  ])('%s', async (_what, behaviour, finding) => {
    await using folder = await tempFolder();
    const tally = new Tally(folder.path, SEED, make);
    await using api = await startApi(behaviour);
    const stop = new AbortController();
    const running = fuzzPipeline(api.url, make, tally, { stop: stop.signal });
    await expect.poll(() => tally.files, { timeout: 20_000 }).toBeGreaterThan(0);
    stop.abort();
    await running;
    expect(tally.findings[0]?.what).toBe(finding);
  });
});

/** An API whose uploads all get one status, and whose jobs all fail with one code. */
async function startApi(behaviour: {
  readonly upload?: number;
  readonly code?: string;
  /** The code of an earlier attempt. */
  readonly earlier?: string;
}): Promise<AsyncDisposable & { url: string }> {
  const { upload = 202, code = 'none', earlier = code } = behaviour;
  const server = createServer((request, response) => {
    request.resume();
    const isUpload = request.method === 'POST';
    const error = { code, reason: 'why' };
    const timeline = [{ error: { code: earlier, reason: 'why' } }, { error }];
    const body = isUpload
      ? { job_id: 'an-id', code: 'internal_error' }
      : { status: 'failed', timeline, error };
    request.on('end', () => {
      response.writeHead(isUpload ? upload : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
