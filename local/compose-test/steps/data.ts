import { join } from 'node:path';
import { acceptedJobId } from '../../pipeline/api-client.ts';
import { expectThat } from '../expect.ts';
import { PROJECT } from '../stack.ts';
import type { Step } from '../step.ts';

const ours = (kind: 'volume' | 'network' | 'container') =>
  `docker ${kind} ls ${kind === 'container' ? '-a' : ''} -q --filter label=com.docker.compose.project=${PROJECT}`;

const JOB_MS = 60_000;

/** What stays and what goes. */
export const data: readonly Step[] = [
  {
    title: 'docker-compose down, up -d: the data are there',
    run: async (stack) => {
      await stack.line('docker-compose down');
      expectThat((await stack.line(ours('container'))).trim() === '', 'there are containers left');
      await stack.line('docker-compose up -d');
      await stack.untilReady();
      const status = await fetch(`${stack.api.url}/status/${stack.completedJob}`);
      expectThat((await status.text()).includes('"completed"'), `the old job returned ${status.status}`);
      const result = await fetch(`${stack.api.url}/results/${stack.completedJob}`);
      expectThat(result.status === 200, `its result returned ${result.status}`);
      return undefined;
    },
  },
  {
    title: 'a job that waits outlives docker-compose down, up -d',
    run: async (stack) => {
      await stack.line('docker-compose stop worker');
      const answer = await stack.api.upload(join(stack.folder, 'test_images/palette.png'), 'resize:20x20');
      expectThat(answer.status === 202, `the upload returned ${answer.status}`);
      await stack.line('docker-compose down');
      await stack.line('docker-compose up -d');
      await stack.untilReady();
      const { status } = await stack.api.untilEnded(acceptedJobId(answer) ?? '', JOB_MS);
      expectThat(status === 'completed', `it is ${status}`);
      return undefined;
    },
  },
  {
    title: 'docker-compose down -v, up -d: they are gone',
    run: async (stack) => {
      await stack.line('docker-compose down -v');
      expectThat((await stack.line(ours('volume'))).trim() === '', 'there are volumes left');
      expectThat((await stack.line(ours('network'))).trim() === '', 'there are networks left');
      await stack.line('docker-compose up -d');
      await stack.untilReady();
      const { status } = await fetch(`${stack.api.url}/status/${stack.completedJob}`);
      expectThat(status === 404, `the old job returned ${status}`);
      return undefined;
    },
  },
];
