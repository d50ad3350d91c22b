#!/usr/bin/env -S npx node
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { permissionsFile } from '@image-pipeline/shared/broker/permissions.ts';

await writeFile(join(import.meta.dirname, '..', 'docker', 'rabbitmq', 'permissions.json'), permissionsFile());
