#!/usr/bin/env -S npx node
import { measureBacklog } from './backlog.ts';
import { measureEta } from './eta.ts';
import { measureLittlesLaw, measureMonitoring } from './monitoring.ts';
import { measureSteadyLoad } from './steady-load.ts';

await measureSteadyLoad();
console.log();
await measureBacklog();
console.log();
await measureEta();
console.log();
await measureMonitoring();
console.log();
await measureLittlesLaw();
