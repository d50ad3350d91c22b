/// <reference lib="dom" />
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { TcpProxy } from '../tcp-proxy.ts';
import type { TestApi, TestSystem } from '../test-system.ts';

declare global {
  interface Window {
    readonly axe: typeof axe;
  }
}

/** For `expect.poll`, whose default is 1 s. */
export const SOON = { timeout: 20_000 };

interface OpenedPage {
  readonly api: TestApi;
  readonly page: Page;
  /** Errors of the page, as its console shows them. */
  readonly faults: string[];
  /** In front of the notification service. */
  readonly proxy: TcpProxy;
}

/** The page of a new API, with a new notification service. @param settings of both */
export async function openPage(
  browser: Browser,
  system: TestSystem,
  settings: Record<string, string> = {},
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const notification = await system.startNotification(settings);
  const proxy = await system.proxyBefore(`ws://127.0.0.1:${notification.port}`);
  const api = await system.startApi({ ...settings, PUBLIC_NOTIFICATION_URL: proxy.url });
  const context = await browser.newContext({ locale: 'en-US', ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(api.url);
  await page.locator('h2').first().waitFor();
  return { api, page, faults, proxy };
}

/** What axe-core finds: rules and the elements that violate them. The page needs `bypassCSP`. */
export async function violationsOf(page: Page): Promise<[string, string[]][]> {
  await page.addScriptTag({ content: axe.source });
  const found = await page.evaluate(async () => (await window.axe.run()).violations);
  return found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** The path of a test image. */
export function pathOf(image: string): string {
  return join(import.meta.dirname, '../../test_images', image);
}

/** Where the pictures of the drawing are. */
export function placesOf(page: Page): Promise<(string | null)[]> {
  return page
    .locator('[data-job]')
    .evaluateAll((tokens) => tokens.map((token) => token.getAttribute('data-at')));
}
