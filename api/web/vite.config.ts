import { defineConfig } from 'vite';

/** Static files in `dist`, which the API serves. */
export default defineConfig({
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // The content security policy forbids `data:` images and inline code.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
