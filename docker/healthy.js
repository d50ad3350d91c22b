// Health check of a container: exits 0 while the service at this port is ready.   node healthy.js 8000
const { argv, exit } = process;
fetch(`http://127.0.0.1:${argv[2]}/readyz`, { signal: AbortSignal.timeout(4_000) }).then(
  ({ ok }) => exit(ok ? 0 : 1),
  () => exit(1),
);
