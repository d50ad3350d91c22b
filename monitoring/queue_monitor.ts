#!/usr/bin/env -S npx node
import { runMonitor } from './terminal/run-monitor.ts';
import { queueView } from './terminal/queue-view.ts';

process.exitCode = await runMonitor(queueView);
