#!/usr/bin/env -S npx node
import { join } from 'node:path';
import { runMonitor } from './terminal/run-monitor.ts';
import { performanceView } from './terminal/performance-view.ts';

process.exitCode = await runMonitor(performanceView, join(import.meta.dirname, '..'));
