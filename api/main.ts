#!/usr/bin/env -S npx node
import { runProcess } from '@image-pipeline/shared/run-process.ts';
import { readApiConfig } from './config.ts';
import { createApi } from './service.ts';

await runProcess(() => createApi(readApiConfig(process.env)));
