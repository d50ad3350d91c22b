#!/usr/bin/env -S npx node
import { join } from 'node:path';
import { runMonitor } from './terminal/run-monitor.ts';
import { queueView } from './terminal/queue-view.ts';

process.exitCode = await runMonitor(queueView, join(import.meta.dirname, '..'));
