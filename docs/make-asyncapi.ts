#!/usr/bin/env -S npx node
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncapiYaml } from './asyncapi/document.ts';

await writeFile(join(import.meta.dirname, 'asyncapi.yaml'), asyncapiYaml());
