import { exchangeNames, queueNames, routingKeys } from '@image-pipeline/shared/broker/topology.ts';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import { readJson } from '@image-pipeline/shared/store/read-object.ts';
import { connect } from 'amqplib';
import { z } from 'zod';
import { slowImage, smallImages } from '../chaos-image.ts';
import { until } from '../recovery-time.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

const listSchema = z.object({
  messages: z.array(z.object({ error: z.object({ code: z.string(), reason: z.string() }) })),
});

const poison = (): readonly { readonly body: string; readonly reason: RegExp }[] => {
  const mark = crypto.randomUUID();
  return [
    { body: `this is no JSON ${mark}`, reason: /not JSON/ },
    { body: JSON.stringify({ version: 99, mark }), reason: /version/ },
    { body: JSON.stringify([mark]), reason: /expected object/ },
  ];
};

export const poisonMessages: Scenario = {
  name: 'poison-messages',
  fault: 'malformed job messages (invalid JSON, unknown version) become dead letters with a reason',
  async run(context) {
    const { client } = context;
    const bodies = poison();
    const before = await invalidJobs(context);
    const uploads = Promise.all(smallImages.map((image) => client.upload(image)));
    await publish(
      context,
      bodies.map(({ body }) => body),
    );
    await uploads;
    await until(async () => {
      const reasons = await invalidJobs(context);
      const isShown = bodies.every(({ reason }) => reasons.some((text) => reason.test(text)));
      return isShown && reasons.length >= before.length + bodies.length;
    }, 'GET /dlq/messages shows each of them with its reason');
    return {};
  },
};

/** Of a job in the queue, of one in progress and of one that has ended. */
export const duplicateDelivery: Scenario = {
  name: 'duplicate-delivery',
  fault: 'every job message is published three more times, early and late',
  async run(context) {
    const { client } = context;
    const images = [...smallImages, slowImage, slowImage];
    const jobIds = (await Promise.all(images.map((image) => client.upload(image)))).filter(
      (jobId) => jobId !== undefined,
    );
    await again(context, jobIds);
    await again(context, jobIds);
    await until(
      async () => (await context.system.broker.queues()).every(isIdle),
      'the queue of jobs is empty',
    );
    await again(context, jobIds);
    return {};
  },
};

async function again(context: ScenarioContext, jobIds: readonly string[]): Promise<void> {
  const { direct } = context.system.store;
  const requests = await Promise.all(
    jobIds.map((jobId) => readJson(direct, requestKey(jobId, 1), jobRequestSchema)),
  );
  await publish(
    context,
    requests.map((request) => JSON.stringify({ ...request, history: [] })),
  );
}

async function publish({ system }: ScenarioContext, bodies: readonly string[]): Promise<void> {
  const connection = await connect(system.broker.directUrl);
  try {
    const channel = await connection.createConfirmChannel();
    for (const body of bodies) {
      channel.publish(exchangeNames.jobs, routingKeys.process, Buffer.from(body), { persistent: true });
    }
    await channel.waitForConfirms();
  } finally {
    await connection.close();
  }
}

async function invalidJobs({ system }: ScenarioContext): Promise<string[]> {
  const answer = await fetch(`${system.services.apiUrl}/dlq/messages?limit=1000`);
  const { messages } = listSchema.parse(await answer.json());
  return messages.flatMap(({ error }) => (error.code === 'invalid_job' ? [error.reason] : []));
}

function isIdle({ name, ready, unacked }: { name: string; ready: number; unacked: number }): boolean {
  return name !== queueNames.process || ready + unacked === 0;
}
