/// <reference lib="dom" />
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { queuedEntry } from '@image-pipeline/shared/contracts/job.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody } from '@image-pipeline/shared/store/read-object.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startBrowser } from '../browser.ts';
import { environmentOf } from '../create-service.ts';
import { form } from '../images.ts';
import { completedOutcome, someRequest } from '../job-life.ts';
import { ServiceProcess } from '../run-service.ts';
import { setUpSystem } from '../test-system.ts';
import { bytesOf, CORRUPTED_IMAGE, endOf, GOOD_IMAGE, uploadImage } from '../uploads.ts';
import { openPage, SOON } from './open-page.ts';

const executablePath = inject('chromium');
const skipped = executablePath === null ? ' (SKIPPED: no Chromium; the start of this run says why)' : '';

describe.skipIf(executablePath === null)(`a journey on the web page${skipped}`, { timeout: 60_000 }, () => {
  const system = setUpSystem({ lifetime: 'test' });
  let browser: Browser;

  beforeAll(async () => {
    if (executablePath !== null) browser = await startBrowser(executablePath);
  });
  afterAll(() => browser.close());

  it('has the hops of the event log, with workers and slots', async () => {
    const { api, page } = await openPage(browser, system);
    const notification = await system.startNotification();
    const client = await system.subscribe(notification, '*');
    await system.startWorker({ WORKER_NAME: 'worker-7' });
    const id = await uploadImage(api, GOOD_IMAGE);
    const hops = (await client.take(3)).map((message) => {
      if (message.type !== 'event') throw new Error(message.type);
      return hopOf(message.event);
    });
    await page.goto(`${api.url}/#/jobs/${id}`);
    await expect.poll(() => stepsOf(page), SOON).toEqual(hops);
    expect(hops).toEqual(['1 1 queued', '1 1 processing worker-7 1', '1 1 completed worker-7']);
  });

  it('shows the redelivery of a job whose worker was killed', async () => {
    const { api, page } = await openPage(browser, system);
    const killed = new ServiceProcess('worker', {
      ...environmentOf('worker', system),
      WORKER_NAME: 'worker-1',
    });
    const slow = {
      operations: JSON.stringify([
        { type: 'resize', width: 3000, height: 3000, enlarge: true },
        { type: 'filter', name: 'blur', radius: 100 },
      ]),
    };
    const { json } = await api.upload(form([{ bytes: bytesOf('sample.jpg'), name: 'sample.jpg' }], slow));
    const { job_id: id } = json as { job_id: string };
    await page.goto(`${api.url}/#/jobs/${id}`);
    await page
      .getByText('Processing on worker-1')
      .or(page.getByText('on worker-1, slot 1'))
      .first()
      .waitFor();
    killed.child.kill('SIGKILL');
    await system.startWorker({ WORKER_NAME: 'worker-2' });
    await page.locator('.job tbody .state.redelivered').waitFor();
    await page.getByText('on worker-2, slot 1').first().waitFor();
    expect((await endOf(api, id)).status).toBe('completed');
    await expect.poll(() => stepsOf(page), SOON).toContain('1 1 completed worker-2');
  });

  it('replays a job that is only in the store, and shows the source', async () => {
    const request = someRequest();
    const outcome = completedOutcome(request);
    const end = {
      state: 'completed',
      at: outcome.finished_at,
      run: 1,
      attempt: 1,
      worker: 'worker-1',
    } as const;
    const stored = { ...outcome, timeline: [queuedEntry(request), ...outcome.timeline.slice(1), end] };
    await system.store.putIfAbsent(requestKey(request.job_id, 1), jsonBody(request));
    await system.store.putIfAbsent(outcomeKey(request.job_id, 1), jsonBody(stored));
    const { api, page } = await openPage(browser, system);
    await page.goto(`${api.url}/#/jobs/${request.job_id}`);
    await page.getByText('From the record in the object store').waitFor();
    const at = () => page.locator('.job [data-job]').getAttribute('data-at');
    expect(await at()).toBe('results');
    await page.getByRole('slider', { name: 'Step of the journey' }).fill('1');
    await expect.poll(at, SOON).toBe('worker:worker-1');
    await page.getByRole('slider', { name: 'Step of the journey' }).fill('0');
    await expect.poll(at, SOON).toBe('image.jobs.process');
  });

  it('has the position of each waiting job', async () => {
    const { api, page } = await openPage(browser, system);
    const ids = [await uploadImage(api, GOOD_IMAGE), await uploadImage(api, GOOD_IMAGE)];
    for (const [index, id] of ids.entries()) {
      const link = page.locator(`[data-job="${id}"] a`);
      await expect
        .poll(() => link.getAttribute('aria-label'), SOON)
        .toBe(`${GOOD_IMAGE}: Queued, Position ${index + 1} in the queue`);
    }
  });

  it('shows a curl command that works unchanged, whatever its texts', async () => {
    const { api, page } = await openPage(browser, system);
    await page.getByLabel('Text').fill(`It's "50 %"; type=a/b \\ $HOME`);
    const command = await page.locator('.curl code').innerText();
    const run = promisify(execFile);
    const { stdout } = await run('sh', ['-c', command], { cwd: join(import.meta.dirname, '../..') });
    const { job_id } = JSON.parse(stdout) as { job_id: string };
    expect((await api.ask(`/status/${job_id}`)).json).toMatchObject({
      operations: [{ type: 'resize' }, { type: 'watermark', text: `It's "50 %"; type=a/b \\ $HOME` }],
    });
  });

  it('reorders operations with the pointer and with the keyboard', async () => {
    const { page } = await openPage(browser, system);
    const names = () => page.locator('.operations strong').allInnerTexts();
    expect(await names()).toEqual(['Resize', 'Watermark']);
    await page.getByText('Watermark', { exact: true }).first().hover();
    await page.mouse.down();
    await page.getByText('Resize', { exact: true }).first().hover();
    await page.mouse.up();
    expect(await names()).toEqual(['Watermark', 'Resize']);
    await page.getByRole('button', { name: 'Move Watermark down' }).press('Enter');
    expect(await names()).toEqual(['Resize', 'Watermark']);
  });

  it('is found by each filter in the address, also from a bookmark', async () => {
    const { api, page } = await openPage(browser, system);
    await system.startWorker();
    await endOf(api, await uploadImage(api, CORRUPTED_IMAGE));
    await endOf(api, await uploadImage(api, GOOD_IMAGE));
    const filter = 'state=failed&error=undecodable_image&worker=worker-1&name=CORR&last=15';
    await page.goto(`${api.url}/#/jobs?${filter}`);
    await page.reload();
    await page.getByText('1 job', { exact: true }).waitFor();
    await page.getByRole('link', { name: CORRUPTED_IMAGE }).waitFor();
    await page.getByLabel('State').selectOption('completed');
    await page.getByText('0 jobs', { exact: true }).waitFor();
    expect(page.url()).toContain('state=completed&error=undecodable_image');
  });
});

/** The hops on screen. */
function stepsOf(page: Page): Promise<(string | null)[]> {
  return page
    .locator('.timeline [data-step]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-step')));
}

/** A hop in the notation of the page. */
function hopOf({ type, data }: JobEvent): string {
  const state = type === 'job.started' ? 'processing' : type.slice('job.'.length);
  const worker = 'outcome' in data ? data.outcome.worker : 'worker' in data ? data.worker : '';
  const slot = 'slot' in data ? data.slot : '';
  return `${data.run} ${data.attempt} ${state} ${worker} ${slot}`.trim();
}
