import {
  buildTopology,
  DEFAULT_JOB_LADDER,
  DEFAULT_WEBHOOK_LADDER,
  parseLadder,
} from '@image-pipeline/shared/broker/topology.ts';
import { stringify } from 'yaml';
import { brokerChannels } from './broker-channels.ts';
import { componentMessages } from './messages.ts';
import { allOperations, SOCKET_CHANNEL } from './operations.ts';
import { componentSchemas } from './schemas.ts';
import { socketChannel } from './socket-channel.ts';
import { receiverServer, WEBHOOK_CHANNEL, webhookChannel } from './webhook-channel.ts';

const description = `Everything that is said asynchronously: jobs and events through RabbitMQ, notifications through \
WebSockets and webhooks. Made by \`npm run docs\` from the topology that services declare and the contracts that they check; \
a test compares it with a running broker.

Messages on RabbitMQ are persistent, mandatory and confirmed, and carry keys of images, never their bytes. Their \
properties: \`messageId\`, \`correlationId\` (the job id), \`type\`, \`timestamp\`, \`appId\` (the service), \`contentType\`. \
Queues are shown for the default retry ladders: the name of a rung holds its delay.`;

/** The AsyncAPI document of the whole system. */
export function createAsyncapiDocument(): object {
  const topology = buildTopology({
    jobs: parseLadder(DEFAULT_JOB_LADDER),
    webhooks: parseLadder(DEFAULT_WEBHOOK_LADDER),
  });
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Event-driven image pipeline',
      version: '1.0.0',
      description,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: 'application/json',
    servers: {
      rabbitmq: {
        host: 'localhost:5672',
        protocol: 'amqp',
        protocolVersion: '0.9.1',
        description: 'RabbitMQ 3.10 or later; RABBITMQ_URL.',
      },
      notification: {
        host: 'localhost:8001',
        protocol: 'ws',
        description: 'The notification service.',
      },
      receiver: receiverServer,
    },
    channels: {
      ...brokerChannels(topology),
      [SOCKET_CHANNEL]: socketChannel(),
      [WEBHOOK_CHANNEL]: webhookChannel(),
    },
    operations: allOperations(),
    components: { messages: componentMessages(), schemas: componentSchemas() },
  };
}

/** The document as it is committed. */
export function asyncapiYaml(): string {
  const comment = '# Made by `npm run docs`; do not edit.\n';
  return comment + stringify(createAsyncapiDocument(), { lineWidth: 110, aliasDuplicateObjects: false });
}
