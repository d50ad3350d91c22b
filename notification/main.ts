#!/usr/bin/env -S npx node
import { runProcess } from '@image-pipeline/shared/run-process.ts';
import { readNotificationConfig } from './config.ts';
import { createNotification } from './service.ts';

await runProcess(() => createNotification(readNotificationConfig(process.env)));
