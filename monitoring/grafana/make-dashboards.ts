#!/usr/bin/env -S npx node
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dashboardFile, dashboards } from './dashboards.ts';

for (const dashboard of dashboards) {
  const file = join(import.meta.dirname, 'dashboards', `${dashboard.uid}.json`);
  await writeFile(file, dashboardFile(dashboard));
}
