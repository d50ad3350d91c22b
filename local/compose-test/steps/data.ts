import { join } from 'node:path';
import { acceptedJobId } from '../../pipeline/api-client.ts';
import { PROJECT } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';

const ours = (kind: 'volume' | 'network' | 'container') =>
  `docker ${kind} ls ${kind === 'container' ? '-a' : ''} -q --filter label=com.docker.compose.project=${PROJECT}`;

const JOB_MS = 60_000;

/** Which data survive docker-compose down. */
export const data: readonly Step[] = [
  {
    title: 'docker-compose down, up -d: the data are kept',
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
    title: 'a waiting job survives docker-compose down, up -d',
    run: async (stack) => {
      await stack.line('docker-compose stop worker');
      const response = await stack.api.upload(join(stack.folder, 'test_images/palette.png'), 'resize:20x20');
      expectThat(response.status === 202, `the upload returned ${response.status}`);
      await stack.line('docker-compose down');
      await stack.line('docker-compose up -d');
      await stack.untilReady();
      const { status } = await stack.api.untilEnded(acceptedJobId(response) ?? '', JOB_MS);
      expectThat(status === 'completed', `it is ${status}`);
      return undefined;
    },
  },
  {
    title: 'docker-compose down -v, up -d: the data are removed',
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
