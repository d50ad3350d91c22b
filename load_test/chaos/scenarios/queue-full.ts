import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { slowImage } from '../chaos-image.ts';
import { mustHold, type Scenario } from '../scenario.ts';

const LIMIT = 5;
const UPLOADS = 60;
/** What was accepted while the figures were a moment old. */
const OVERSHOOT = 5;

export const queueFull: Scenario = {
  name: 'queue-full',
  fault: `more uploads than MAX_QUEUE_LENGTH=${LIMIT} allows`,
  async run({ system, client }) {
    const { api } = system.services;
    await api.restartWith({ MAX_QUEUE_LENGTH: String(LIMIT) });
    try {
      const uploads = Promise.all(Array.from({ length: UPLOADS }, () => client.upload(slowImage)));
      let deepest = 0;
      let isDone = false;
      void uploads.finally(() => {
        isDone = true;
      });
      while (!hasEnded()) {
        const queues = await system.broker.queues();
        const jobs = queues.find(({ name }) => name === queueNames.process);
        deepest = Math.max(deepest, jobs?.ready ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      const refused = client.notes.filter((note) => note.kind === 'refused');
      mustHold(refused.length > 0, 'no upload was refused');
      mustHold(deepest <= LIMIT + OVERSHOOT, `${deepest} jobs were in the queue`);
      return {};

      function hasEnded(): boolean {
        return isDone;
      }
    } finally {
      await api.restartWith({});
    }
  },
};
