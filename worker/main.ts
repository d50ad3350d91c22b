#!/usr/bin/env -S npx node
import { runProcess } from '@image-pipeline/shared/run-process.ts';
import { readWorkerConfig } from './config.ts';
import { createWorker } from './service.ts';

await runProcess(() => createWorker(readWorkerConfig(process.env)));
