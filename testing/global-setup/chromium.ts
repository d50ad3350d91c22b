import type { TestProject } from 'vitest/node';
import { findChromium } from '../../local/install/programs.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of Chromium, or null if it is not installed: the browser tests are then skipped with a message. */
    chromium: string | null;
  }
}

/** vitest globalSetup: `inject('chromium')` in a test. */
export default async function setup(project: TestProject): Promise<void> {
  const path = await findChromium();
  if (path === undefined)
    console.error(
      'The browser tests are SKIPPED: Chromium is not installed. As root on Debian, make test installs it; elsewhere, set CHROMIUM to the path of a browser.',
    );
  project.provide('chromium', path ?? null);
}
