import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { operations } from '../openapi/document.ts';
import type { Operation } from '../openapi/operation.ts';
import { startBrowser } from '../../testing/browser.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const TOKEN = '747279206974206f7574';
const accepted = z.object({ job_id: z.string() });

const executablePath = inject('chromium');
const skipped = executablePath === null ? ' (SKIPPED: no Chromium; the start of this run says why)' : '';

describe.skipIf(executablePath === null)(
  `"Try it out" of /docs, in a browser${skipped}`,
  { timeout: 60_000 },
  () => {
    const system = setUpSystem();
    let browser: Browser;

    beforeAll(async () => {
      if (executablePath === null) return;
      browser = await startBrowser(executablePath);
    });
    afterAll(() => browser.close());

    it('uploads images with only the file filled in', async () => {
      const api = await system.startApi();
      const { page, faults } = await openDocs(browser, api);
      const call = page.locator('#operations-Images-uploadImages');
      await call.locator('.opblock-summary-control').click();
      for (const name of ['sample.jpg', 'photo.webp']) {
        const path = join(import.meta.dirname, '../../test_images', name);
        await call.locator('input[type=file]').setInputFiles(path);
        const [response] = await Promise.all([
          page.waitForResponse(`${api.url}/upload`),
          call.getByRole('button', { name: 'Execute' }).click(),
        ]);
        expect(response.status()).toBe(202);
        const headers = await response.request().allHeaders();
        expect(Object.keys(headers)).not.toEqual(
          expect.arrayContaining([expect.stringMatching(/^(idempotency-key|traceparent)$/)]),
        );
        const { job_id } = accepted.parse(await response.json());
        const { json } = await api.ask(`/status/${job_id}`);
        expect(json).toMatchObject({
          original: { name, size: (await readFile(path)).length },
          operations: [{ type: 'resize' }, { type: 'watermark' }],
          output: { format: null, quality: 85 },
        });
        expect(json).not.toHaveProperty('callback');
        // Only the file is shown as sent, no empty value of another field.
        await expect.poll(() => call.locator('.curl').innerText()).toContain(name);
        expect((await call.locator('.curl').innerText()).match(/-F '/g)).toHaveLength(1);
      }
      expect(faults).toEqual([]);
    });

    it('fills in no optional field, in any operation', async () => {
      const { page, faults } = await openDocs(browser, await system.startApi());
      let seen = 0;
      for (const { id, query, headers, form } of Object.values<Operation>(operations)) {
        if ((query ?? headers ?? form) === undefined) continue;
        const call = page.locator(`[id$="-${id}"]`);
        await call.locator('.opblock-summary-control').click();
        await call.getByRole('button', { name: 'Execute' }).waitFor();
        const optional = call.locator(
          'tr:is([data-param-name], [data-property-name]):not(:has(.required)) :is(input, select, textarea)',
        );
        for (const input of await optional.all()) {
          const isBox = (await input.getAttribute('type')) === 'checkbox';
          const value = isBox ? await input.isChecked() : await input.inputValue();
          expect(value, `an input of ${id}`).toBe(isBox ? false : '');
          seen += 1;
        }
      }
      expect(seen).toBeGreaterThanOrEqual(12);
      expect(faults).toEqual([]);
    });

    it('sends a replay as a dry run by default', async () => {
      const api = await system.startApi({ API_TOKEN: TOKEN });
      const { page, faults } = await openDocs(browser, api);
      await page.setExtraHTTPHeaders({ authorization: `Bearer ${TOKEN}` });
      const call = page.locator('#operations-Dead_letters-replayDeadLetters');
      await call.locator('.opblock-summary-control').click();
      const [response] = await Promise.all([
        page.waitForResponse(`${api.url}/dlq/replay`),
        call.getByRole('button', { name: 'Execute' }).click(),
      ]);
      expect([response.status(), await response.json()]).toEqual([
        200,
        expect.objectContaining({ dry_run: true }),
      ]);
      expect(faults).toEqual([]);
    });
  },
);

/** The page, its errors, and its requests to other hosts. */
async function openDocs(browser: Browser, api: TestApi): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${api.url}/`)) faults.push(`request to ${request.url()}`);
  });
  await page.goto(`${api.url}/docs`);
  await page.locator('.opblock').first().waitFor();
  return { page, faults };
}
