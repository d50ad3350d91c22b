import { expectThat } from '../expect.ts';
import { PROJECT } from '../stack.ts';
import type { Step } from '../step.ts';

const ours = (kind: 'volume' | 'network' | 'container') =>
  `docker ${kind} ls ${kind === 'container' ? '-a' : ''} -q --filter label=com.docker.compose.project=${PROJECT}`;

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
      expectThat((await status.text()).includes('"completed"'), `the old job answers ${status.status}`);
      const result = await fetch(`${stack.api.url}/results/${stack.completedJob}`);
      expectThat(result.status === 200, `its result answers ${result.status}`);
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
      expectThat(status === 404, `the old job answers ${status}`);
      return undefined;
    },
  },
];
