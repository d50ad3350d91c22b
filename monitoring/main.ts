#!/usr/bin/env -S npx node
import { runProcess } from '@image-pipeline/shared/run-process.ts';
import { readMonitoringConfig } from './config.ts';
import { createMonitoring } from './service.ts';

await runProcess(() => createMonitoring(readMonitoringConfig(process.env)));
