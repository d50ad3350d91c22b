import { type Browser, chromium } from 'playwright-core';

/** Chromium without a window. It loads nothing by itself. @param executablePath of `inject('chromium')` */
export function startBrowser(executablePath: string): Promise<Browser> {
  const args = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath, args, chromiumSandbox: process.getuid?.() !== 0 });
}
