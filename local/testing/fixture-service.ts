/**
 * A service for the supervisor's tests: responds on PORT, exits at `/crash`, is not ready after `/unready`, and stops at
 * SIGTERM unless STUBBORN is set. EXIT_AT_ONCE: the code to exit with at once.
 */
import { createServer } from 'node:http';

const { NAME = 'fixture', PORT, EXIT_AT_ONCE, STUBBORN, MAX_CONCURRENT_JOBS } = process.env;

if (EXIT_AT_ONCE !== undefined) {
  console.error(`Error: ${NAME} was asked to exit`);
  process.exit(Number(EXIT_AT_ONCE));
}
process.on('SIGTERM', () => {
  if (STUBBORN === undefined) process.exit(0);
});

let ready = true;
const server = createServer((request, response) => {
  if (request.url === '/crash') process.exit(1);
  if (request.url === '/unready') ready = false;
  response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
  const slots = MAX_CONCURRENT_JOBS;
  response.end(
    JSON.stringify(ready ? { status: 'ready', slots } : { status: 'not_ready', reason: 'as requested' }),
  );
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`${NAME} listens`));
