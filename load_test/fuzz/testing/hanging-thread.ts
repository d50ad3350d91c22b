import { workerData } from 'node:worker_threads';
import type { InspectorTask } from '../inspector-thread.ts';

// An inspector that hangs at the seventh file after its start.
const { from, current } = workerData as InspectorTask;
Atomics.store(current, 0, from + 7);
for (;;);
