import { startBenchSystem } from './bench/bench-system.ts';
import { systemThroughput } from './bench/throughput.ts';
import { benchImage } from './bench/upload.ts';
import { JobWatcher } from './bench/watch-jobs.ts';
const sample = benchImage('sample.jpg', 'image/jpeg', 'resize,watermark');
await using system = await startBenchSystem(2);
await using watcher = await JobWatcher.open(system.notificationUrl);
await systemThroughput(system, watcher, Array.from({ length: 120 }, () => sample));
