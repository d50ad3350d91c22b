/// <reference lib="dom" />
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startBrowser } from '../browser.ts';
import { setUpSystem } from '../test-system.ts';
import { bytesOf, CORRUPTED_IMAGE, endOf, GOOD_IMAGE, uploadImage } from '../uploads.ts';
import { openPage, pathOf, placesOf, SOON, violationsOf } from './open-page.ts';

const executablePath = inject('chromium');
const skipped = executablePath === null ? ' (SKIPPED: no Chromium; the start of this run says why)' : '';

describe.skipIf(executablePath === null)(`the web page, in a browser${skipped}`, { timeout: 60_000 }, () => {
  const system = setUpSystem({ lifetime: 'test' });
  let browser: Browser;

  beforeAll(async () => {
    if (executablePath !== null) browser = await startBrowser(executablePath);
  });
  afterAll(() => browser.close());

  it('sends three files and follows them to their results', async () => {
    const { api, page, faults } = await openPage(browser, system);
    await system.startWorker();
    const names = [GOOD_IMAGE, 'sample.jpg', 'photo.webp'];
    await page.setInputFiles('input[type=file]', names.map(pathOf));
    for (const name of names) await page.getByRole('link', { name: `${name}: accepted` }).waitFor();
    await expect.poll(() => placesOf(page), SOON).toEqual(['results', 'results', 'results']);

    await page.getByRole('link', { name: 'sample.jpg: accepted' }).click();
    await page.getByRole('heading', { name: 'Job sample.jpg' }).waitFor();
    const id = page.url().split('/').at(-1) ?? '';
    const { timeline } = await endOf(api, id);
    const states = await page.locator('.job tbody .state').allInnerTexts();
    expect(states.map((state) => state.toLowerCase())).toEqual(timeline.map(({ state }) => state));
    for (const picture of await page.locator('.compare img').all()) {
      await expect
        .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth), SOON)
        .toBeGreaterThan(0);
    }
    expect(faults).toEqual([]);
  });

  it('shows where a job is while it waits and when it has ended, and which worker processed it', async () => {
    const { api, page } = await openPage(browser, system);
    const id = await uploadImage(api, GOOD_IMAGE);
    const at = () => page.locator(`[data-job="${id}"]`).getAttribute('data-at');
    await expect.poll(at, SOON).toBe('image.jobs.process');
    const worker = await system.startWorker({ WORKER_NAME: 'worker-7' });
    await expect.poll(at, SOON).toBe('results');
    await page.goto(`${api.url}/#/jobs/${id}`);
    await page.getByText('on worker-7').first().waitFor();
    await worker.stop();
  });

  it('shows that it is offline, and misses nothing when the connection returns', async () => {
    const { api, page, proxy } = await openPage(browser, system);
    await uploadImage(api, GOOD_IMAGE);
    await expect.poll(() => placesOf(page), SOON).toHaveLength(1);
    await proxy.refuse();
    await page.getByText('Offline since').waitFor();
    await system.startWorker();
    const missed = await uploadImage(api, 'sample.jpg');
    await endOf(api, missed);
    await proxy.resume();
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 20_000 });
    await expect.poll(() => placesOf(page), SOON).toEqual(['results', 'results']);
  });

  it('counts the jobs of the last minutes, also those that ended before it was opened', async () => {
    const { api, page } = await openPage(browser, system);
    await system.startWorker();
    await endOf(api, await uploadImage(api, CORRUPTED_IMAGE));
    await endOf(api, await uploadImage(api, GOOD_IMAGE));
    await page.goto(`${api.url}/#/queue?minutes=5`);
    await page.reload();
    const count = (state: string) =>
      page.locator('.counts div', { hasText: state }).locator('dd').innerText();
    await expect.poll(() => count('Completed'), SOON).toBe('1');
    await expect.poll(() => count('Failed'), SOON).toBe('1');
    await page.locator('.chart', { hasText: 'Ended in 5 s' }).getByText('As a table').click();
    const ended = () =>
      page.locator('.chart', { hasText: 'Ended in 5 s' }).locator('details td').allInnerTexts();
    const sum = async () => (await ended()).reduce((total, text) => total + Number(text), 0);
    await expect.poll(sum, SOON).toBe(2);
  });

  it('keeps the language, and has the plurals of Russian', async () => {
    const { api, page } = await openPage(browser, system);
    await page.getByLabel('Language').selectOption('ru');
    await page.reload();
    await page.getByRole('heading', { name: 'Где сейчас изображения' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('ru');
    await page.goto(`${api.url}/#/jobs`);
    await page.getByText('0 заданий').waitFor();
    await uploadImage(api, GOOD_IMAGE);
    await page.getByText('1 задание').waitFor();
    await uploadImage(api, GOOD_IMAGE);
    await page.getByText('2 задания').waitFor();
  });

  it('shows a hostile file name as text', async () => {
    const { page, faults } = await openPage(browser, system);
    const name = '<img src=x onerror=alert(1)>.png';
    page.on('dialog', (dialog) => {
      faults.push(dialog.message());
      void dialog.dismiss();
    });
    await system.startWorker();
    await page.setInputFiles('input[type=file]', {
      name,
      mimeType: 'image/png',
      buffer: bytesOf(GOOD_IMAGE),
    });
    await page.getByRole('link', { name: `${name}: accepted` }).click();
    await page.getByRole('heading', { name: `Job ${name}` }).waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('transfers at most 150 kB for the first load', async () => {
    const { page } = await openPage(browser, system);
    const sizes = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map((entry) => [new URL(entry.name).pathname, (entry as PerformanceResourceTiming).transferSize]),
    );
    expect(sizes.filter(([path]) => /\.(js|css)$/.test(String(path)))).toHaveLength(2);
    expect(sizes.reduce((sum, [, bytes]) => sum + Number(bytes), 0)).toBeLessThan(150_000);
  });

  it('shows why a file is refused', async () => {
    const { page } = await openPage(browser, system);
    await page.setInputFiles('input[type=file]', pathOf('empty.jpg'));
    await page.getByText('empty.jpg: refused. The file "empty.jpg" is empty.').waitFor();
  });

  it.each(['light', 'dark'] as const)('has no accessibility violation in %s', async (colorScheme) => {
    const { api, page } = await openPage(browser, system, {}, { colorScheme, bypassCSP: true });
    await system.startWorker();
    const id = await uploadImage(api, GOOD_IMAGE);
    await endOf(api, await uploadImage(api, CORRUPTED_IMAGE));
    for (const path of ['/', '/queue', '/jobs', `/jobs/${id}`, '/dead-letters']) {
      await page.goto(`${api.url}/#${path}`);
      await page.locator('h2').first().waitFor();
      expect(await violationsOf(page), path).toEqual([]);
    }
  });
});
