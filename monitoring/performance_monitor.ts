#!/usr/bin/env -S npx node
import { runMonitor } from './terminal/run-monitor.ts';
import { performanceView } from './terminal/performance-view.ts';

process.exitCode = await runMonitor(performanceView);
