import { join } from 'node:path';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { TOKEN } from '../api-client.ts';
import { startBrowser } from '../browser.ts';
import { environmentOf } from '../create-service.ts';
import { form } from '../images.ts';
import { ServiceProcess } from '../run-service.ts';
import { setUpSystem, type TestApi } from '../test-system.ts';
import { bytesOf, CORRUPTED_IMAGE, endOf, GOOD_IMAGE, uploadImage } from '../uploads.ts';
import { openPage, SOON, violationsOf } from './open-page.ts';

const executablePath = inject('chromium');
const skipped = executablePath === null ? ' (SKIPPED: no Chromium; the start of this run says why)' : '';

describe.skipIf(executablePath === null)(
  `breaking and repairing, in a browser${skipped}`,
  { timeout: 60_000 },
  () => {
    const system = setUpSystem({ lifetime: 'test' });
    let browser: Browser;

    beforeAll(async () => {
      if (executablePath !== null) browser = await startBrowser(executablePath);
    });
    afterAll(() => browser.close());

    it('kills a worker, and shows that its job is redelivered', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      new ServiceProcess('worker', environmentOf('worker', system));
      await page.goto(`${api.url}/#/break`);
      await page.getByRole('heading', { name: 'worker-1' }).waitFor();
      await page.getByText('Consuming').waitFor();
      await clickAndConfirm(page, 'Pause worker-1', 'Pause worker-1');
      await giveToken(page, 'this is the wrong one');
      await clickAndConfirm(page, 'Pause worker-1', 'Pause worker-1');
      await page.getByText('The API refused this token').waitFor();
      await giveToken(page, TOKEN);

      const id = await uploadSlowImage(api);
      await page.locator('[data-worker="worker-1"]').getByText('1 job in progress').waitFor();
      await page.getByRole('button', { name: 'Kill worker-1' }).click();
      await page.getByRole('dialog').getByText('RabbitMQ notices the lost connection').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Kill worker-1' }).click();
      await page.getByText('No worker is running').waitFor();
      await page.getByText('The job that worker-1 had in progress').waitFor();

      await system.startWorker({ WORKER_NAME: 'worker-2' });
      const hit = page.locator(`[data-hit="${id}"]`);
      await hit.getByText('worker-2').waitFor();
      await hit.getByText('Redelivered').waitFor();
      await hit.getByText('Completed').waitFor(SOON);
      await hit.getByRole('link').click();
      await page.locator('.job tbody .state.redelivered').waitFor();
    });

    it('pauses and resumes a worker, and crashes its decoder', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      await system.startWorker();
      await page.evaluate((token) => sessionStorage.setItem('token', token), TOKEN);
      await page.reload();
      await page.goto(`${api.url}/#/break`);
      const order = (name: string) => clickAndConfirm(page, name, name);
      await order('Crash the next decoder of worker-1');
      await page.getByText('The decoder of its next job will crash').waitFor();
      await order('Pause worker-1');
      await page.getByText('Paused').waitFor();
      const id = await uploadImage(api, GOOD_IMAGE);
      await page.getByRole('button', { name: 'Resume worker-1' }).click();
      await endOf(api, id);
      await page.goto(`${api.url}/#/jobs/${id}`);
      await page.getByText('engine_crashed').waitFor();
      expect((await endOf(api, id)).status).toBe('completed');
    });

    it('finds a failed job, replays it from the dead letters and discards it', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      await system.startWorker();
      const id = await uploadImage(api, CORRUPTED_IMAGE);
      expect((await endOf(api, id)).status).toBe('failed');
      await page.goto(`${api.url}/#/jobs?state=failed`);
      await page.getByRole('row', { name: CORRUPTED_IMAGE }).getByText('undecodable_image').waitFor();

      await page.goto(`${api.url}/#/dead-letters`);
      await page.getByLabel(`Select ${CORRUPTED_IMAGE}`).check();
      await clickAndConfirm(page, 'Replay the selected', 'Replay 1 job');
      await giveToken(page, TOKEN);
      await clickAndConfirm(page, 'Replay the selected', 'Replay 1 job');
      await page.getByText('The replay stopped: a job failed again.').waitFor();
      await page.getByText('0 of 1 completed, 0 in progress, 1 failed again').waitFor();
      expect((await endOf(api, id)).run).toBe(2);

      await page.getByLabel(`Select ${CORRUPTED_IMAGE}`).check();
      await clickAndConfirm(page, 'Discard the selected', 'Discard 1 dead letter');
      await page.getByText('There are no dead letters.').waitFor();
      await page.getByRole('link', { name: 'Journey' }).click();
      await page.getByText('Nothing yet.').waitFor();
    });

    it('replays the rest only if the canary completes', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      const originals = await loseOriginals(api, 3);
      await page.goto(`${api.url}/#/dead-letters`);
      await page.getByLabel('Select all of this group').check();
      await clickAndConfirm(page, 'Replay the selected', 'Replay 3 jobs');
      await giveToken(page, TOKEN);
      await clickAndConfirm(page, 'Replay the selected', 'Replay 3 jobs');
      await page.getByText('The canary is replayed.').waitFor();
      await originals.restore();
      await system.startWorker();
      await page.getByText('All of them have completed.').waitFor(SOON);
      await page.getByText('There are no dead letters.').waitFor();
    });

    it('explains in Russian why a file is refused, with the limit and the message of the API', async () => {
      const { page } = await openPage(browser, system, { MAX_FILE_BYTES: '2048' }, { locale: 'ru-RU' });
      await page.setInputFiles('input[type=file]', pathOf('sample.jpg'));
      await page.getByText('Файл слишком большой: допускается не больше 2 кБ').waitFor();
      await page.getByText('ответ API: File too large. Maximum: 2048 bytes').waitFor();
    });

    it('in production asks for the token, shows everything with it, and cannot break anything', async () => {
      const token = '747279206974206f757420696e2070726f64';
      // A service in production refuses the test broker's sample password.
      const RABBITMQ_URL = await system.urlOfOwnUser();
      const settings = { NODE_ENV: 'production', API_TOKEN: token, RABBITMQ_URL };
      const { api, page } = await openPage(browser, system, settings);
      await system.startWorker(settings);
      expect((await endOf(api, await uploadImage(api, CORRUPTED_IMAGE))).status).toBe('failed');
      await page.getByText('This system requires the API token').waitFor();
      await page.getByText('Nothing yet.').waitFor();
      await giveToken(page, 'this is the wrong one');
      await page.getByText('The API refused this token').waitFor();
      await giveToken(page, token);
      await page.getByText('Live', { exact: true }).waitFor();
      await page.locator('[data-at="image.jobs.dead"]').waitFor();
      await page.getByRole('link', { name: 'Dead letters' }).click();
      await page.getByLabel(`Select ${CORRUPTED_IMAGE}`).waitFor();
      await page.goto(`${api.url}/#/jobs`);
      await page.getByRole('row', { name: CORRUPTED_IMAGE }).waitFor();
      await page.reload();
      await page.getByText('Live', { exact: true }).waitFor();

      expect(await page.getByRole('link', { name: 'Break it' }).count()).toBe(0);
      await page.goto(`${api.url}/#/break`);
      await page.getByRole('heading', { name: 'Where the images are' }).waitFor();
    });

    it.each([
      ['en-US', 'light'],
      ['ru-RU', 'dark'],
    ] as const)('has no accessibility violation in %s, %s', async (locale, colorScheme) => {
      const options = { locale, colorScheme, bypassCSP: true } as const;
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN }, options);
      await system.startWorker();
      await endOf(api, await uploadImage(api, CORRUPTED_IMAGE));
      await page.evaluate((token) => sessionStorage.setItem('token', token), TOKEN);
      await page.reload();
      await page.goto(`${api.url}/#/dead-letters`);
      await page.locator('.sample').waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await page.goto(`${api.url}/#/break`);
      await page.locator('[data-worker="worker-1"]').waitFor();
      expect(await violationsOf(page)).toEqual([]);
      await page.locator('[data-worker="worker-1"] button').nth(1).click();
      await page.getByRole('dialog').waitFor();
      expect(await violationsOf(page)).toEqual([]);
    });

    /** Jobs that fail because their originals are missing, until those are restored. */
    async function loseOriginals(api: TestApi, count: number): Promise<{ restore(): Promise<void> }> {
      const ids = await Promise.all(Array.from({ length: count }, () => uploadImage(api, GOOD_IMAGE)));
      for (const id of ids) await system.store.remove(originalKey(id));
      const worker = await system.startWorker();
      for (const id of ids) expect((await endOf(api, id)).status).toBe('failed');
      await worker.stop();
      return {
        restore: async () => {
          for (const id of ids) await system.store.put(originalKey(id), bytesOf(GOOD_IMAGE));
        },
      };
    }
  },
);

function pathOf(image: string): string {
  return join(import.meta.dirname, '../../test_images', image);
}

async function clickAndConfirm(page: Page, button: string, action: string): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('dialog').getByRole('button', { name: action }).click();
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Use the token' }).click();
}

const acceptedSchema = z.object({ job_id: z.string() });

/** Uploads an image that takes some seconds. @returns the id of its job */
async function uploadSlowImage(api: TestApi): Promise<string> {
  const operations = [
    { type: 'resize', width: 5000, height: 3333, enlarge: true },
    ...Array.from({ length: 4 }, () => ({ type: 'filter', name: 'blur', radius: 100 })),
  ];
  const body = form([{ bytes: bytesOf('sample.jpg'), name: 'sample.jpg' }], {
    operations: JSON.stringify(operations),
  });
  return acceptedSchema.parse((await api.upload(body)).json).job_id;
}
