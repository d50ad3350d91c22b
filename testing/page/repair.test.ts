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
import { openPage, SOON } from './open-page.ts';

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

    it('kills a worker, and shows that its job is delivered again', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      new ServiceProcess('worker', environmentOf('worker', system));
      await page.goto(`${api.url}/#/break`);
      await giveToken(page, 'this is the wrong one');
      await page.getByText('The API refused this token').waitFor();
      await giveToken(page, TOKEN);
      await page.getByRole('heading', { name: 'worker-1' }).waitFor();
      await page.getByText('Takes jobs').waitFor();

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
      await hit.getByText('delivered again').waitFor();
      await hit.getByText('Completed').waitFor(SOON);
      await hit.getByRole('link').click();
      await page.locator('.job tbody').getByText('delivered again').waitFor();
    });

    it('pauses and resumes a worker, and crashes its decoder', async () => {
      const { api, page } = await openPage(browser, system, { API_TOKEN: TOKEN });
      await system.startWorker();
      await page.goto(`${api.url}/#/break`);
      await giveToken(page, TOKEN);
      const order = async (name: string) => {
        await page.getByRole('button', { name }).click();
        await page.getByRole('dialog').getByRole('button', { name }).click();
      };
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
      page.on('dialog', (dialog) => void dialog.accept());
      const id = await uploadImage(api, CORRUPTED_IMAGE);
      expect((await endOf(api, id)).status).toBe('failed');
      await page.goto(`${api.url}/#/jobs?state=failed`);
      await page.getByRole('row', { name: CORRUPTED_IMAGE }).getByText('undecodable_image').waitFor();

      await page.goto(`${api.url}/#/dead-letters`);
      await page.getByLabel(`Select ${CORRUPTED_IMAGE}`).check();
      await page.getByRole('button', { name: 'Replay the selected' }).click();
      await page.getByLabel('API token').fill(TOKEN);
      await page.getByRole('button', { name: 'Use the token' }).click();
      await page.getByRole('button', { name: 'Replay the selected' }).click();
      await expect
        .poll(() => page.locator('.dead [role=status]').innerText(), SOON)
        .toContain('0 of 1 completed, 1 failed');
      expect((await endOf(api, id)).run).toBe(2);

      await page.getByLabel(`Select ${CORRUPTED_IMAGE}`).check();
      await page.getByRole('button', { name: 'Discard the selected' }).click();
      await page.getByText('There are no dead letters.').waitFor();
    });

    it('asks for the token in production, and keeps it in the tab', async () => {
      const token = '747279206974206f757420696e2070726f64';
      // A service in production refuses the test broker's sample password.
      const RABBITMQ_URL = await system.urlOfOwnUser();
      const { page } = await openPage(browser, system, {
        NODE_ENV: 'production',
        API_TOKEN: token,
        RABBITMQ_URL,
      });
      await page.getByText('This system requires the API token').waitFor();
      await page.getByLabel('API token').fill(token);
      await page.getByRole('button', { name: 'Use the token' }).click();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.reload();
      await page.getByText('Live', { exact: true }).waitFor();
    });
  },
);

async function giveToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Use the token' }).click();
}

const acceptedSchema = z.object({ job_id: z.string() });

/** Uploads an image that takes some seconds. @returns the id of its job */
async function uploadSlowImage(api: TestApi): Promise<string> {
  const operations = [
    { type: 'resize', width: 4000, height: 4000, fit: 'cover', enlarge: true },
    { type: 'filter', name: 'blur', radius: 100 },
  ];
  const body = form([{ bytes: bytesOf('sample.jpg'), name: 'sample.jpg' }], {
    operations: JSON.stringify(operations),
  });
  return acceptedSchema.parse((await api.upload(body)).json).job_id;
}
